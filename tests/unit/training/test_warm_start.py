from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install -r requirements/train.in")
pytest.importorskip("onnx", reason="training needs onnx: pip install -r requirements/train.in")

from walkout.training.export import export_onnx, normalise  # noqa: E402
from walkout.training.network import NetworkParameters, ShopperNetwork  # noqa: E402
from walkout.training.warm_start import load_weights  # noqa: E402


def random_network(seed: int, width: int = 8) -> ShopperNetwork:
    torch.manual_seed(seed)
    network = ShopperNetwork(NetworkParameters(width, 8))
    network(torch.randn(4, 3, 64, 64))  # gives the normalisations statistics that are not the initial ones
    return network.eval()


def pictures(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalise(torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8, generator=generator))


def test_a_network_started_from_a_file_puts_out_what_the_file_was_made_of(tmp_path: Path) -> None:
    trained, other = random_network(1), random_network(2)
    export_onnx(trained, tmp_path / "model.onnx", 64, 64, {})
    load_weights(other, tmp_path / "model.onnx", pictures(3))
    with torch.no_grad():
        expected, got = trained(pictures(4)), other.eval()(pictures(4))
    for before, after in zip(expected[:-1], got[:-1], strict=True):
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    export_onnx(random_network(1), tmp_path / "model.onnx", 64, 64, {})
    with pytest.raises(ValueError, match=r"model\.onnx: convolution 0"):
        load_weights(random_network(2, width=16), tmp_path / "model.onnx", pictures(3))
