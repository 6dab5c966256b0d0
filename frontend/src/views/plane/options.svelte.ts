/** How the plane is shown: in the address; what was already explained: on this machine. */
import { page } from '../../model/page.svelte';

class Options {
  callouts = $state(globalThis.localStorage?.getItem('callouts') !== 'seen');

  get test(): boolean {
    return page.shows('test');
  }

  set test(on: boolean) {
    page.setShown('test', on);
  }

  get steps(): boolean {
    return page.shows('steps');
  }

  set steps(on: boolean) {
    page.setShown('steps', on);
  }

  seen(): void {
    this.callouts = false;
    globalThis.localStorage?.setItem('callouts', 'seen');
  }
}

export const options = new Options();
