"""PyTorch's `torch.cuda`: what can be asked of the graphics processors, and told to them. Everything goes by CuPy."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from engine import array as arrays_
from engine.array import Device
from engine.array import cuda_count as _count
from engine.array import synchronize as synchronize
from engine.errors import OutOfMemoryError as OutOfMemoryError
from engine.rng import default_generator, manual_seed

__path__: list[str] = []
"""There is a module below this name: `torch.cuda.amp`."""


def is_available() -> bool:
    """Whether a CUDA device can be used (CuPy and a driver are there).

    >>> engine.cuda.is_available() == (engine.cuda.device_count() > 0)
    True
    """
    return _count() > 0


def device_count() -> int:
    """The number of CUDA devices.

    >>> engine.cuda.device_count() >= 0
    True
    """
    return _count()


def current_device() -> int:
    """The number of the device that is used where none is named.

    >>> engine.cuda.current_device() if engine.cuda.is_available() else 0
    0
    """
    return int(arrays_.cuda("current_device").cuda.Device().id)


def set_device(device: Any) -> None:
    """Choose the device that is used where none is named.

    >>> if engine.cuda.is_available(): engine.cuda.set_device(0)
    """
    arrays_.cuda("set_device").cuda.Device(Device(device).index or 0).use()


def get_device_name(device: Any = None) -> str:
    """The name of the device.

    >>> name = engine.cuda.get_device_name() if engine.cuda.is_available() else ""
    """
    return str(get_device_properties(device).name)


class Properties:
    """Facts about a CUDA device: name, total_memory (bytes), major, minor, multi_processor_count.

    >>> facts = engine.cuda.get_device_properties(0) if engine.cuda.is_available() else None
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.name, self.total_memory = facts["name"].decode(), int(facts["totalGlobalMem"])
        self.major, self.minor = int(facts["major"]), int(facts["minor"])
        self.multi_processor_count = int(facts["multiProcessorCount"])


def get_device_properties(device: Any = None) -> Properties:
    """Facts about the device.

    >>> facts = engine.cuda.get_device_properties() if engine.cuda.is_available() else None
    """
    place = current_device() if device is None else Device(device).index or 0
    return Properties(arrays_.cuda("get_device_properties").cuda.runtime.getDeviceProperties(place))


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The generation of the device, e.g. (8, 0).

    >>> generation = engine.cuda.get_device_capability() if engine.cuda.is_available() else (0, 0)
    """
    facts = get_device_properties(device)
    return facts.major, facts.minor


def manual_seed_all(seed: int) -> None:
    """Seed the generator that every device uses.

    >>> engine.cuda.manual_seed_all(0)
    """
    manual_seed(seed)


def get_rng_state(device: Any = None) -> dict[str, Any]:
    """The state of the generator: one for all devices.

    >>> engine.cuda.get_rng_state()["kind"]
    'philox'
    """
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any], device: Any = None) -> None:
    """Continue where `get_rng_state` was taken.

    >>> engine.cuda.set_rng_state(engine.cuda.get_rng_state())
    """
    default_generator.set_state(new_state)


# ------------------------------------------------------------------------------------------------------ memory
def memory_allocated(device: Any = None) -> int:
    """Bytes in use by arrays (0 where there is no device).

    >>> engine.cuda.memory_allocated() >= 0
    True
    """
    return int(arrays_.cuda("memory_allocated").get_default_memory_pool().used_bytes()) if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes that were taken from the driver (0 where there is no device).

    >>> engine.cuda.memory_reserved() >= 0
    True
    """
    return int(arrays_.cuda("memory_reserved").get_default_memory_pool().total_bytes()) if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """Bytes that were taken from the driver: CuPy keeps no peak, and never gives back by itself.

    >>> engine.cuda.max_memory_allocated() >= engine.cuda.memory_allocated()
    True
    """
    return memory_reserved(device)


max_memory_reserved = max_memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Give back what is unused, so that `max_memory_allocated` starts again.

    >>> engine.cuda.reset_peak_memory_stats()
    """
    empty_cache()


def empty_cache() -> None:
    """Give memory that no array uses back to the driver.

    >>> engine.cuda.empty_cache()
    """
    if is_available():
        arrays_.cuda("empty_cache").get_default_memory_pool().free_all_blocks()


# ------------------------------------------------------------------------------------------- streams and events
class Event:
    """A mark in the device's work: `start.record()`, ..., `end.record()`, `synchronize()`, `start.elapsed_time(end)`.

    >>> if engine.cuda.is_available(): engine.cuda.Event(enable_timing=True).record()
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        self._event = arrays_.cuda("Event").cuda.Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind what was told to the device so far."""
        self._event.record(None if stream is None else stream.stream)

    def synchronize(self) -> None:
        """Wait until the device has come to the mark."""
        self._event.synchronize()

    def query(self) -> bool:
        """Whether the device has come to the mark."""
        return bool(self._event.done)

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work wait for the mark."""
        (current_stream() if stream is None else stream).stream.wait_event(self._event)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another."""
        return float(arrays_.cuda("Event").cuda.get_elapsed_time(self._event, end_event._event))


class Stream:
    """A queue of work on the device; `with engine.cuda.stream(s):` sends work there.

    >>> if engine.cuda.is_available(): engine.cuda.Stream().synchronize()
    """

    def __init__(self, device: Any = None, priority: int = 0, stream: Any = None) -> None:
        self.stream = arrays_.cuda("Stream").cuda.Stream(non_blocking=True) if stream is None else stream

    def synchronize(self) -> None:
        """Wait until everything in the queue is done."""
        self.stream.synchronize()

    def wait_stream(self, stream: Stream) -> None:
        """Let later work here wait for what is now in another queue."""
        self.stream.wait_event(stream.stream.record())

    def __enter__(self) -> Stream:
        self.stream.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.stream.__exit__(*details)


def stream(stream: Stream) -> Stream:
    """`with engine.cuda.stream(s):` sends work to the queue s.

    >>> if engine.cuda.is_available(): engine.cuda.stream(engine.cuda.Stream()).synchronize()
    """
    return stream


def current_stream(device: Any = None) -> Stream:
    """The queue that work goes to now.

    >>> if engine.cuda.is_available(): engine.cuda.current_stream().synchronize()
    """
    return Stream(stream=arrays_.cuda("current_stream").cuda.get_current_stream())


class device:  # noqa: N801
    """`with engine.cuda.device(1):` uses that device where none is named.

    >>> if engine.cuda.is_available(): engine.cuda.device(0).__enter__()
    """

    def __init__(self, device: Any) -> None:
        self._device = arrays_.cuda("device").cuda.Device(Device(device).index or 0)

    def __enter__(self) -> None:
        self._device.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._device.__exit__(kind, value, trace)
