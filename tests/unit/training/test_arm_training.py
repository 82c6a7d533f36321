"""The arm finder's training: samples, targets, weights from the detector, and the way to the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install -r requirements/train.in")
pytest.importorskip("onnx", reason="training needs onnx: pip install -r requirements/train.in")

from walkout.perception.arms import CELLS, INPUT_PIXELS, ArmFinder, decode_cells  # noqa: E402
from walkout.training.arm_samples import STORED_PIXELS, ArmSamples, ArmSampleSet, write_arm_shard  # noqa: E402
from walkout.training.arm_task import ArmTask, augment, blurred_cells  # noqa: E402
from walkout.training.export import export_arms, export_onnx, normalise  # noqa: E402
from walkout.training.labels import Visibility  # noqa: E402
from walkout.training.network import ArmNetwork, NetworkParameters, ShopperNetwork  # noqa: E402

SIZES = NetworkParameters(8, 8)


def samples(count: int = 3) -> ArmSamples:
    """Dark pictures with a bright spot at the left wrist."""
    rng = np.random.default_rng(4)
    images = np.zeros((count, STORED_PIXELS, STORED_PIXELS, 3), np.uint8)
    joints = np.zeros((count, 8, 3), np.float32)
    joints[:, :, :2] = rng.uniform(60, 150, (count, 8, 2))
    joints[:, :, 2] = Visibility.SEEN
    for image, (x, y) in zip(images, joints[:, 6, :2], strict=True):
        image[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] = 255
    return ArmSamples(images, joints, np.array([[1.0, 0.0]] * count, np.float32))


def test_samples_come_back_from_disk(tmp_path: Path) -> None:
    given = samples()
    write_arm_shard(tmp_path, 0, given)
    write_arm_shard(tmp_path, 1, given)
    data = ArmSampleSet(tmp_path)
    assert len(data) == 6
    np.testing.assert_array_equal(data.image(4), given.images[1])
    np.testing.assert_array_equal(data.joints[4], given.joints[1])
    np.testing.assert_array_equal(data.stretched(), np.ones(6))
    with pytest.raises(ValueError, match="walkout train arms --only generate"):
        ArmSampleSet(tmp_path / "nothing")


@pytest.mark.parametrize("seed", range(6))
def test_joints_move_with_the_picture(seed: int) -> None:
    given = samples(1)
    picture, joints = augment(given.images[0], given.joints[0], np.random.default_rng(seed))
    assert picture.shape == (INPUT_PIXELS, INPUT_PIXELS, 3)
    x, y = joints[6, :2]
    spot = picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].mean()
    assert spot > picture.mean() + 30


def test_a_network_that_tells_what_is_wanted_is_decoded_to_the_joints() -> None:
    place = torch.tensor([[[20.0, 30.0], [100.3, 77.7], [71.5, 71.5], [-40.0, 70.0]] * 2])
    wanted = blurred_cells(place, CELLS)
    torch.testing.assert_close(wanted.sum(2), torch.ones(1, 8))
    logits = wanted.clamp(min=1e-9).log().unflatten(2, (CELLS, CELLS))
    found, confidence = decode_cells(logits.numpy())
    np.testing.assert_allclose(found[0, :3], place[0, :3], atol=0.5)
    assert (confidence[0, :3] > 0.9).all()
    assert confidence[0, 3] == 0
    loss = ArmTask().loss(logits, {"place": place, "weight": torch.ones(1, 8)})
    assert float(loss["cells"]) == pytest.approx(0.0, abs=1e-3)


def test_training_starts_from_the_detectors_trunk(tmp_path: Path) -> None:
    torch.manual_seed(1)
    detector, arms = ShopperNetwork(SIZES), ArmNetwork(SIZES)
    detector(torch.randn(4, 3, 64, 64))
    export_onnx(detector.eval(), tmp_path / "detector.onnx", 64, 64, {})
    write_arm_shard(tmp_path, 0, samples())
    images, _ = ArmTask().batch(ArmSampleSet(tmp_path), np.arange(3), np.random.default_rng(0), 0.0)
    pictures = normalise(images)
    ArmTask().start(arms, tmp_path / "detector.onnx", pictures)
    with torch.no_grad():
        expected, got = detector.trunk(pictures)[1], arms.eval().trunk(pictures)[1]
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-3)


def test_the_file_puts_out_what_the_network_does(tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = ArmNetwork(SIZES)
    network(torch.randn(4, 3, 64, 64))
    network.eval()
    export_arms(network, tmp_path / "arms.onnx", {"history": "none"})
    finder = ArmFinder(tmp_path / "arms.onnx")
    pictures = np.random.default_rng(0).integers(0, 255, (3, INPUT_PIXELS, INPUT_PIXELS, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(normalise(torch.from_numpy(pictures)))
    (got,) = finder._session.run(None, {"pictures": pictures})
    np.testing.assert_allclose(got, expected, atol=1e-3)
