"""Transforms: what they do to numbers, beside PyTorch's resampling where that is the measure; image sets; PNG."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import data
from engine.data import pixels as px
from engine.data import transforms as T
from engine.data.picture import Image, NeedsPillow, png_bytes, read_png
from engine.errors import ArgumentError, DataError, ShapeError
from engine.vision import datasets, transforms, utils
from engine.vision.transforms import functional as TF

DRAW = np.random.default_rng(0)
BYTES = DRAW.integers(0, 256, (3, 7, 9), np.uint8)
FLOATS = DRAW.random((3, 7, 9), np.float32)


def tensor(array: Any) -> engine.Tensor:
    return engine.tensor(np.ascontiguousarray(array))


def picture(array: Any = BYTES) -> Image:
    return Image(np.ascontiguousarray(array.transpose(1, 2, 0)))


@pytest.mark.parametrize("size", [(3, 4), (14, 18), (5, 20)])
@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
@pytest.mark.parametrize("smooth", [True, False])
def test_resizing_is_that_of_pytorch(size: tuple[int, int], how: str, smooth: bool) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    if how == "bicubic" and not smooth:
        pytest.skip("without smoothing PyTorch uses another cubic")
    given = torch.tensor(FLOATS)[None]
    theirs = torch.nn.functional.interpolate(given, size, mode=how, align_corners=False, antialias=smooth)[0]
    np.testing.assert_allclose(px.resize(FLOATS, size, how, smooth), theirs.numpy(), atol=1e-5)


def test_the_nearest_pixel_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    for size in ((3, 4), (14, 18), (5, 20)):
        theirs = torch.nn.functional.interpolate(torch.tensor(FLOATS)[None], size, mode="nearest")[0]
        assert np.array_equal(px.resize(FLOATS, size, "nearest"), theirs.numpy())


@pytest.mark.parametrize("how", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle", [17.0, -60.0, 90.0, 180.0])
def test_turning_is_sampling_on_pytorch_s_grid(angle: float, how: str) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    high, wide = FLOATS.shape[-2:]
    m = px.turning(angle, (1.0, -2.0), 1.2, (10.0, 5.0), (0.5, 1.0))
    scale = torch.tensor([[m[0], m[1] * high / wide, 2 * m[2] / wide], [m[3] * wide / high, m[4], 2 * m[5] / high]])
    grid = torch.nn.functional.affine_grid(scale[None].float(), [1, 3, high, wide], align_corners=False)
    theirs = torch.nn.functional.grid_sample(torch.tensor(FLOATS)[None], grid, how, "zeros", align_corners=False)[0]
    ours = px.affine(FLOATS, m, (high, wide), how)
    near = abs(ours - theirs.numpy()) < 1e-4
    assert near.mean() > (0.97 if how == "nearest" else 0.999)  # a place just between two pixels may fall either way


def test_a_quarter_turn_moves_every_pixel() -> None:
    square = BYTES[:, :, :7]
    for quarters in range(4):
        turned = T.RandomRotation((90 * quarters, 90 * quarters))(tensor(square))
        assert np.array_equal(turned.numpy(), np.rot90(square, quarters, (1, 2)))
    assert TF.rotate(tensor(BYTES), 90, expand=True).shape == (3, 9, 7)


def test_to_tensor_takes_pictures_and_arrays_and_scales_bytes() -> None:
    for given in (picture(), BYTES.transpose(1, 2, 0)):
        made = T.ToTensor()(given)
        assert made.dtype is engine.float32
        np.testing.assert_allclose(made.numpy(), BYTES / 255, rtol=1e-6)
    assert T.ToTensor()(np.zeros((2, 3))).shape == (1, 2, 3)
    assert T.PILToTensor()(picture()).dtype is engine.uint8
    with pytest.raises(TypeError):
        T.ToTensor()(engine.zeros(1, 2, 2))


def test_normalising() -> None:
    made = T.Normalize((0.1, 0.2, 0.3), (0.5, 0.5, 2.0))(tensor(FLOATS)).numpy()
    np.testing.assert_allclose(made[2], (FLOATS[2] - 0.3) / 2, rtol=1e-5)
    with pytest.raises(TypeError, match="ToTensor"):
        T.Normalize(0.5, 0.5)(tensor(BYTES))
    with pytest.raises(ArgumentError):
        T.Normalize(0.5, 0.0)(tensor(FLOATS))


@pytest.mark.parametrize("make", [tensor, picture])
def test_every_transform_hands_back_the_kind_it_was_given(make: Any) -> None:
    engine.manual_seed(1)
    given = make(BYTES)
    changes = [
        T.Resize(5), T.CenterCrop(4), T.CenterCrop(12), T.Pad((1, 2)), T.Pad(2, padding_mode="reflect"),
        T.RandomCrop(4, padding=2), T.RandomHorizontalFlip(1.0), T.RandomVerticalFlip(1.0), T.RandomRotation(30),
        T.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10), T.ColorJitter(0.4, 0.4, 0.4, 0.2), T.Grayscale(3),
        T.RandomResizedCrop(4), T.RandomGrayscale(1.0), T.RandomApply([T.Pad(1)], 1.0), T.RandomOrder([T.Pad(1)]),
        T.RandomAffine(0, shear=(1, 2, 3, 4), fill=7), T.Lambda(lambda x: x), T.RandomChoice([T.Pad(1)]),
    ]  # fmt: skip
    for change in changes:
        made = change(given)
        assert type(made) is type(given), change
        assert (made.dtype if isinstance(made, engine.Tensor) else made.pixels.dtype) in (engine.uint8, np.uint8)
        assert type(change).__name__ in repr(change)
    assert np.array_equal(np.asarray(T.PILToTensor()(given) if make is picture else given), BYTES)


def test_sizes_follow_the_shorter_side_and_crops_sit_in_the_middle() -> None:
    assert TF.get_image_size(T.Resize(14)(tensor(FLOATS))) == [18, 14]
    assert T.Resize(14, max_size=15)(tensor(FLOATS)).shape == (3, 11, 15)
    assert T.Resize((2, 8))(tensor(FLOATS)).shape == (3, 2, 8)
    assert np.array_equal(T.CenterCrop((3, 3))(tensor(BYTES)).numpy(), BYTES[:, 2:5, 3:6])
    grown = T.CenterCrop((9, 9))(tensor(BYTES)).numpy()
    assert np.array_equal(grown[:, 1:8], BYTES)
    assert not grown[:, [0, 8]].any()


def test_padding_fills_by_channel_or_mirrors() -> None:
    padded = T.Pad((1, 0, 2, 0), fill=(1, 2, 3))(tensor(BYTES)).numpy()
    assert padded.shape == (3, 7, 12)
    assert padded[:, 0, 0].tolist() == [1, 2, 3]
    assert np.array_equal(T.Pad(1, padding_mode="reflect")(tensor(BYTES)).numpy()[:, 0, 1:-1], BYTES[:, 1])
    with pytest.raises(ArgumentError):
        T.Pad((1, 2, 3))(tensor(BYTES))


def test_a_seed_repeats_what_chance_did_and_crops_go_everywhere() -> None:
    augment = T.Compose([T.RandomCrop(5), T.RandomHorizontalFlip(), T.RandomRotation(20)])

    def made(seed: int) -> list[Any]:
        engine.manual_seed(seed)
        return [augment(tensor(BYTES)).tolist() for _ in range(3)]

    assert made(1) == made(1) != made(2)
    corners = {T.RandomCrop((7, 8))(tensor(BYTES)).numpy()[0, 0, 0] for _ in range(40)}
    assert corners == {BYTES[0, 0, 0], BYTES[0, 0, 1]}
    with pytest.raises(ArgumentError):
        T.RandomCrop(30)(tensor(BYTES))
    assert T.RandomCrop(30, pad_if_needed=True)(tensor(BYTES)).shape == (3, 30, 30)


def test_flips_happen_half_of_the_time() -> None:
    engine.manual_seed(0)
    left = tensor(np.array([[[1, 0]]], np.uint8))
    assert 60 < sum(T.RandomHorizontalFlip()(left).numpy()[0, 0, 0] for _ in range(150)) < 95


def test_colours() -> None:
    half = tensor(FLOATS / 2)
    np.testing.assert_allclose(TF.adjust_brightness(half, 2.0).numpy(), FLOATS, rtol=1e-5)
    np.testing.assert_allclose(TF.adjust_saturation(half, 1.0).numpy(), FLOATS / 2, rtol=1e-5)
    grey = TF.adjust_saturation(half, 0.0).numpy()
    np.testing.assert_allclose(grey[0], grey[2], rtol=1e-5)
    np.testing.assert_allclose(grey[0], TF.rgb_to_grayscale(half).numpy()[0], rtol=1e-5)
    flat = TF.adjust_contrast(half, 0.0).numpy()
    np.testing.assert_allclose(flat, flat[0, 0, 0], rtol=1e-5)
    for shift in (0.0, 1 / 3, -1 / 3):  # a third of the circle exchanges the channels
        turned = TF.adjust_hue(half, shift).numpy()
        np.testing.assert_allclose(turned, np.roll(FLOATS / 2, round(shift * 3), 0), atol=1e-5)
    assert abs(TF.adjust_hue(tensor(BYTES), 0.0).numpy().astype(int) - BYTES).max() <= 1
    with pytest.raises(ArgumentError):
        T.ColorJitter(hue=0.7)


def test_erasing_paints_one_rectangle() -> None:
    engine.manual_seed(2)
    made = T.RandomErasing(p=1.0, value=(7, 8, 9))(engine.zeros(3, 20, 20)).numpy()
    for channel, value in enumerate((7, 8, 9)):
        rows, columns = np.nonzero(made[channel])
        assert set(made[channel][rows, columns]) == {value}
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert T.RandomErasing(p=0.0)(engine.ones(1, 4, 4)).sum() == 16
    assert T.RandomErasing(p=1.0, value="random")(engine.zeros(1, 9, 9)).std() > 0


def test_element_types_keep_white_white() -> None:
    white = T.ConvertImageDtype(engine.float32)(tensor(np.full((1, 1, 1), 255, np.uint8)))
    assert white.item() == 1.0
    assert T.ConvertImageDtype(engine.uint8)(white).item() == 255


# ------------------------------------------------------------------------------------------- pictures and files
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3), (5, 4, 4)])
def test_a_png_is_read_as_it_was_written(shape: tuple[int, ...]) -> None:
    pixels = DRAW.integers(0, 256, shape, np.uint8)
    assert np.array_equal(read_png(png_bytes(pixels)), pixels)


@pytest.mark.parametrize("way", range(5))
def test_all_five_ways_of_writing_a_row_are_read(way: int) -> None:
    pixels = DRAW.integers(0, 256, (4, 6, 3), np.uint8).astype(int)
    padded = np.zeros((5, 7, 3), int)
    padded[1:, 1:] = pixels
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    guess = left + up - corner
    near = np.stack([abs(guess - left), abs(guess - up), abs(guess - corner)]).argmin(0)
    guesses = [0 * left, left, up, (left + up) // 2, np.choose(near, [left, up, corner])][way]
    rows = np.concatenate([np.full((4, 1), way), ((pixels - guesses) % 256).reshape(4, -1)], 1).astype(np.uint8)
    plain = png_bytes(pixels.astype(np.uint8))
    start = plain.index(b"IDAT") - 4
    body = zlib.compress(rows.tobytes())
    content = plain[:start] + len(body).to_bytes(4, "big") + b"IDAT" + body + bytes(4) + plain[-12:]
    assert np.array_equal(read_png(content), pixels)


def test_what_is_no_png_is_refused() -> None:
    with pytest.raises(DataError):
        read_png(b"GIF89a")


def test_pictures_have_pillow_s_common_names(tmp_path: Path) -> None:
    image = picture()
    assert (image.size, image.mode, image.width, image.height) == ((9, 7), "RGB", 9, 7)
    assert image.getpixel((2, 1)) == tuple(BYTES[:, 1, 2])
    assert image.convert("L").mode == "L"
    assert image.convert("L").convert("RGB").size == (9, 7)
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_png((tmp_path / "a.png").read_bytes()), np.asarray(image))
    with pytest.raises(ShapeError):
        Image(np.zeros((2, 2)))
    assert "RGB size=9x7" in repr(image)


def test_grids_stand_in_rows_with_gaps() -> None:
    images = engine.arange(5, dtype=engine.float32).reshape(5, 1, 1, 1).expand(5, 1, 2, 3)
    grid = utils.make_grid(images, nrow=3, padding=1, pad_value=9.0).numpy()
    assert grid.shape == (3, 7, 13)
    assert grid[0, 1, 1::4].tolist() == [0, 1, 2]
    assert grid[0, 4, 1::4].tolist() == [3, 4, 9]
    assert (grid[:, 0] == 9).all()
    scaled = utils.make_grid(images, normalize=True).numpy()
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    assert utils.make_grid([engine.zeros(3, 2, 2)]).shape == (3, 2, 2)
    assert utils.make_grid(images, normalize=True, value_range=(0, 2)).max() == 1


def test_images_are_saved_as_png_alone(tmp_path: Path) -> None:
    utils.save_image(tensor(FLOATS)[None].expand(4, 3, 7, 9), tmp_path / "grid.png", nrow=2)
    assert read_png((tmp_path / "grid.png").read_bytes()).shape == (20, 24, 3)
    file = io.BytesIO()
    utils.save_image(engine.zeros(1, 2, 2), file)
    assert read_png(file.getvalue()).shape == (2, 2, 3)
    with pytest.raises(NeedsPillow, match="PNG"):
        utils.save_image(engine.zeros(1, 2, 2), tmp_path / "grid.jpg")


# -------------------------------------------------------------------------------------------------- image sets
def test_mnist_in_torchvision_s_manner(real_data: Path) -> None:
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    digits = datasets.MNIST(real_data, train=False, transform=change, target_transform=lambda n: n + 100)
    image, label = digits[0]
    assert (len(digits), label, tuple(image.shape)) == (10_000, 100 + int(digits.targets[0]), (1, 28, 28))
    assert image.mean() == pytest.approx(((digits.data[0].float() / 255).mean().item() - 0.1307) / 0.3081, abs=1e-4)
    assert digits.data.shape == (10_000, 28, 28)
    assert sorted(set(digits.targets.tolist())) == list(range(10))
    assert datasets.MNIST(real_data, train=False)[0][0].size == (28, 28)
    loader = data.DataLoader(data.Subset(digits, range(100)), batch_size=50, num_workers=2)
    assert [tuple(x.shape) for x, _ in loader] == [(50, 1, 28, 28)] * 2
    assert "Number of datapoints: 10000" in repr(digits)
    assert digits.test_data is digits.data
    assert digits.train_labels is digits.targets


def test_cifar10_in_torchvision_s_manner(real_data: Path) -> None:
    photographs = datasets.CIFAR10(real_data, train=False, transform=transforms.ToTensor())
    image, label = photographs[3]
    assert tuple(image.shape) == (3, 32, 32)
    assert photographs.data.shape == (len(photographs.targets), 32, 32, 3)
    assert np.array_equal((image * 255).round().numpy().astype("u1"), photographs.data[3].transpose(2, 0, 1))
    assert label == photographs.targets[3]
    assert photographs.class_to_idx["cat"] == 3


def test_the_data_directory_is_a_second_place(real_data: Path, tmp_path: Path) -> None:
    assert len(datasets.MNIST(tmp_path, train=False)) == 10_000


def test_missing_files_are_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYGROUND_DATA_DIR", raising=False)
    with pytest.raises(RuntimeError, match="download=True"):
        datasets.MNIST(tmp_path)
    with pytest.raises(RuntimeError, match="Put the files"):
        datasets.FashionMNIST(tmp_path, download=True)
    with pytest.raises(RuntimeError):
        datasets.CIFAR10(tmp_path)


def test_made_up_data_is_the_same_every_time() -> None:
    made = datasets.FakeData(3, (3, 4, 5), transform=transforms.ToTensor())
    (x, y), (again, label) = made[1], made[1]
    assert x.shape == (3, 4, 5)
    assert x.tolist() == again.tolist()
    assert y == label
    assert len(list(made)) == 3
