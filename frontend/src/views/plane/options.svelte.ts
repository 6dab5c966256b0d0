/** How the plane is shown; remembered on this machine. */

class Options {
  test = $state(false);
  steps = $state(false);
  callouts = $state(globalThis.localStorage?.getItem('callouts') !== 'seen');

  seen(): void {
    this.callouts = false;
    globalThis.localStorage?.setItem('callouts', 'seen');
  }
}

export const options = new Options();
