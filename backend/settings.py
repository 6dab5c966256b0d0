"""Everything that can be set, in one place, from the environment (`PLAYGROUND_...`) or the command line."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def installed_version() -> str:
    """The version of this distribution, or "0" when it runs from an unpacked folder."""
    try:
        return version("autodiff-playground")
    except PackageNotFoundError:
        return "0"


def platform_folder() -> Path:
    """Where programs of this platform keep a user's data."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "autodiff-playground"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "autodiff-playground"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "autodiff-playground"


def writable(folder: Path) -> bool:
    """Whether files can be made in this folder, which is made when its parent allows it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


class Settings(BaseSettings):
    """The settings of one server. Unsafe values are refused in a sentence."""

    model_config = SettingsConfigDict(env_prefix="PLAYGROUND_", extra="ignore")

    host: str = "127.0.0.1"
    """Address to listen on. Anything but this machine itself needs `allow_remote`."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    allow_remote: bool = False
    """Whether other machines may use this server. It has no accounts: everybody who reaches it may do everything."""
    data_dir: Path = Field(default_factory=platform_folder)
    """Where data sets are looked for: mnist/, cifar-10-batches-bin/, uploads/. It may be read-only."""
    store_dir: Path | None = None
    """Where runs and uploads are kept. Default: `data_dir` where it can be written, else the platform's folder."""
    allowed_hosts: frozenset[str] = frozenset()
    """Further names under which this server is reached (Host header)."""
    allowed_origins: frozenset[str] = frozenset()
    """Further pages that may use this server, as "http://name:port"."""
    hosts: int = Field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)), ge=0, le=64)
    """Processes that train."""
    max_parameters: int = Field(default=50_000_000, ge=1)
    """The most parameters of one run."""
    max_memory: int = Field(default=4_000_000_000, ge=1)
    """The most bytes that one run may need by the estimate made before it starts."""
    max_body: int = Field(default=1_000_000, ge=1_000)
    """The most bytes of a request."""
    max_upload: int = Field(default=50_000_000, ge=1_000)
    """The most bytes of an uploaded CSV file."""
    attached_seconds: float = Field(default=60.0, ge=0)
    """A run started by a page pauses this long after its last watcher left."""
    orphan_seconds: float = Field(default=60.0, ge=0)
    """A host waits this long for a lost server before it saves its runs and ends."""
    lease_seconds: float = Field(default=5.0, gt=0)
    """A host that is silent for this long counts as lost."""
    checkpoint_seconds: float = Field(default=10.0, gt=0)
    """A training run is saved this often."""
    resident_seconds: float = Field(default=600.0, ge=0)
    """A run that neither trains nor is watched leaves the host's memory after this long."""
    send_seconds: float = Field(default=10.0, gt=0)
    """A page that takes no message for this long is disconnected."""

    @model_validator(mode="after")
    def _refuse_exposure(self) -> Settings:
        if not self.allow_remote and self.host not in LOCAL_NAMES and not _is_loopback(self.host):
            raise ValueError(
                f"Listening on {self.host} would let other machines use this server, which has no accounts. "
                "Add --allow-remote if that is what you want, or use --host 127.0.0.1"
            )
        return self

    @cached_property
    def store(self) -> Path:
        """The folder in which this server writes."""
        if self.store_dir is not None:
            return self.store_dir
        return self.data_dir if writable(self.data_dir) else platform_folder()

    @cached_property
    def run_data(self) -> Path:
        """The folder that runs read data from: data_dir itself, or, where the store is elsewhere, a folder of links
        to it beside our own uploads."""
        if self.store == self.data_dir:
            return self.data_dir
        folder = self.store / "data"
        folder.mkdir(parents=True, exist_ok=True)
        for entry in self.data_dir.iterdir() if self.data_dir.is_dir() else ():
            link = folder / entry.name
            if entry.is_dir() and entry.name != "uploads" and not link.exists() and not link.is_symlink():
                link.symlink_to(entry.resolve(), target_is_directory=True)
        return folder

    @cached_property
    def host_names(self) -> frozenset[str]:
        """Names allowed in the Host header. Plain addresses are always allowed: a rebinding attack needs a name."""
        names = {*LOCAL_NAMES, self.host.lower(), *(name.lower() for name in self.allowed_hosts)}
        if self.allow_remote:
            own = socket.gethostname().lower()
            names |= {own, f"{own}.local"}
        return frozenset(names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
