import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walkout.store.catalog_file import gtin_check_digit
from walkout.store.loader import StoreError, available_stores, find_store, load_store
from walkout.store.model import FixtureType, GateDirection, ProductShape, ZoneKind

# Every row: file, what is replaced by what, and the one message: line text, field and what follows.
MISTAKES = [
    ("store.yaml", "currency: EUR", "currency: EURO",
     "currency: 'EURO' is not an ISO 4217 code, did you mean 'EUR'?; write a code like EUR, USD or JPY"),
    ("store.yaml", "ceiling: 2.6", "ceiling: high",
     "ceiling: must be a number, not 'high'; write a number from 2 to 12 m"),
    ("store.yaml", "ceiling: 2.6", "ceiling: .nan",
     "ceiling: must be a number, not '.nan'; write a number from 2 to 12 m"),
    ("store.yaml", "ceiling: 2.6", "ceiling: 1.2",
     "ceiling: '1.2' is out of range; write a number from 2 to 12 m"),
    ("store.yaml", "floor: [0, 0, 3, 3]", "floor: [0, 0, 3]",
     "floor: has 3 numbers, must have 4; write 4 numbers"),
    ("store.yaml", "floor: [0, 0, 3, 3]", "floor: [0, 0, -3, 3]",
     "floor: has no area; write [x_min, y_min, x_max, y_max] in metres"),
    ("store.yaml", "name: Kiosk", "nane: Kiosk",
     "nane: is not a known key, did you mean 'name'?; use id, name, currency, floor, ceiling, fixtures, cameras, zones "
     "or remove it"),
    ("store.yaml", "name: Kiosk", "name: Kiosk\nname: Stall",
     "name: is written twice; remove one of the two"),
    ("store.yaml", "id: c2", "id: c1",
     "cameras[1].id: 'c1' names two cameras; give every one its own id"),
    ("store.yaml", "id: c2", "id: c-2",
     "cameras[1].id: 'c-2' cannot name a ROS topic; use letters, digits and '_', beginning with a letter"),
    ("store.yaml", "type: gondola", "type: gondala",
     "fixtures[0].type: 'gondala' is not known, did you mean 'gondola'?; "
     "use one of gondola, fridge, coffee_machine, gate, wall"),
    ("store.yaml", "pose: {x: 1.6, y: 2.78, yaw_deg: -90}", "pose: {x: 1.6, yaw_deg: -90}",
     "fixtures[0].pose: 'y' is missing; add 'y'"),
    ("store.yaml", "pose: {x: 1.6, y: 2.78, yaw_deg: -90}", "pose: {x: 1.6, y: 2.78, yaw: -90}",
     "fixtures[0].pose.yaw: is not a known key, did you mean 'yaw_deg'?; use x, y, yaw_deg or remove it"),
    ("store.yaml", "size: [0.44, 1.0, 1.5]", "size: [0.44, wide, 1.5]",
     "fixtures[0].size[1]: must be a number, not 'wide'; write a number from 0.02 to 20"),
    ("store.yaml", "depth: 0.38, lanes: 4}", "depth: 0.38, lanes: [0.4, 0.4, 0.4]}",
     "fixtures[0].shelves[0].lanes: lanes are 1.200 m together, the shelf is 1.000 m wide; "
     "make lanes narrower or the fixture wider"),
    ("store.yaml", "depth: 0.38, lanes: 4}", "depth: 0.38, lanes: 0}",
     "fixtures[0].shelves[0].lanes: must be a whole number from 1 to 40, not '0'; write a whole number from 1 to 40"),
    ("store.yaml", "depth: 0.38, lanes: 4}", "depth: 0.38}",
     "fixtures[0].shelves[0]: 'lanes' is missing; add 'lanes'"),
    ("store.yaml", "{z: 0.72, depth: 0.34, lanes: 4}", "{z: 0.32, depth: 0.34, lanes: 4}",
     "fixtures[0].shelves[1].z: 0.32 m is not above shelf 0 (0.3 m); list the lowest first"),
    ("store.yaml", "{z: 0.30, depth: 0.38, lanes: 4}", "{z: 0.30, depth: 0.38, clearance: 0.6, lanes: 4}",
     "fixtures[0].shelves[0].clearance: 0.6 m reaches into shelf 1 above; make it less or leave it out"),
    ("store.yaml", "    direction: entry", "    direction: in",
     "fixtures[2].direction: 'in' is not known; use one of entry, exit"),
    ("store.yaml", "pose: {x: 0.22, y: 1.75, yaw_deg: 0}", "pose: {x: -0.2, y: 1.75, yaw_deg: 0}",
     "fixtures[1].pose: stands 0.42 m outside the floor; move it or enlarge the floor"),
    ("store.yaml", "pose: {x: 0.22, y: 1.75, yaw_deg: 0}", "pose: {x: 1.6, y: 2.4, yaw_deg: 0}",
     "fixtures[1].pose: g2 stands 0.24 m inside g1; move one of them"),
    ("store.yaml", "pose: {x: 0.22, y: 1.75, yaw_deg: 0}", "pose: {x: 0.22, y: 1.75, yaw_deg: 180}",
     "fixtures[1].pose: no way from the entry to 9 lanes; leave a path 0.44 m wide and free floor before its front"),
    ("store.yaml", "horizontal_fov_deg: 90", "horizontal_fov_deg: 190",
     "cameras[0].horizontal_fov_deg: '190' is out of range; write a number from 10 to 170 degrees"),
    ("store.yaml", "horizontal_fov_deg: 90, ", "",
     "cameras[0]: has no calibration; write horizontal_fov_deg or intrinsics {fx, fy, cx, cy}, one of them"),
    ("store.yaml", "look_at: [1.5, 1.7, 0.7], ", "",
     "cameras[0]: has no direction; write look_at [x, y, z] or rpy_deg [roll, pitch, yaw], one of them"),
    ("store.yaml", "look_at: [1.5, 1.7, 0.7]", "look_at: [0.15, 0.15, 2.5]",
     "cameras[0].look_at: the camera's position and the point it looks at are the same; look at another point"),
    ("store.yaml", "position: [0.15, 0.15, 2.5]", "position: [0.15, 0.15, 2.9]",
     "cameras[0].position: (0.15, 0.15, 2.9) is outside the store; "
     "use metres from the store's origin, below the ceiling"),
    ("store.yaml", "gate: gate_in", "gate: gate_inn",
     "zones[0].gate: there is no gate 'gate_inn', did you mean 'gate_in'?; name a fixture of type gate"),
    ("store.yaml", "gate: gate_in", "gate: gate_out",
     "zones[0].gate: gate_out is an exit gate, the zone is for entry; match them"),
    ("store.yaml", "[3.0, 1.0], [1.6, 1.0]]", "[3.0, 1.0], [2.5, 0.5], [1.6, 1.0]]",
     "zones[0].polygon: is not convex; leave out corners that point inwards or make two zones"),
    ("store.yaml", "[[1.6, 0.0], [3.0, 0.0], [3.0, 1.0], [1.6, 1.0]]", "[[1.6, 0.0], [3.0, 0.0]]",
     "zones[0].polygon: has 2 corners; write at least 3 corners [x, y]"),
    ("store.yaml", "[3.0, 1.0]", "[3.2, 1.0]",
     "zones[0].polygon: reaches outside the floor; keep all corners on the floor"),
    ("catalog.yaml", "price_minor: 449", "price_minor: 4.49",
     "products[0].price_minor: must be a whole number from 0 to 10000000, not '4.49'; "
     "write a whole number from 0 to 10000000"),
    ("catalog.yaml", "gtin: 2400004830593", "gtin: 2400004830594",
     "products[0].gtin: 2400004830594 has a wrong check digit; "
     "look at the package again; with check digit 3 it would be valid"),
    ("catalog.yaml", "gtin: 2400004830593", "gtin: 24000",
     "products[0].gtin: '24000' is not a GTIN; write its 8, 12, 13 or 14 digits"),
    ("catalog.yaml", "gtin: 2400004909787", "gtin: 2400004830593",
     "products[1].gtin: 2400004830593 is also that of 'honey-blossom'; give every product its own GTIN"),
    ("catalog.yaml", "shape: can", "shape: tin",
     "products[0].shape: 'tin' is not known; use one of box, can, bottle, bag, cup"),
    ("catalog.yaml", "weight_sd_g: 3.2", "weight_sd_g: 300",
     "products[0].weight_sd_g: 300 g is more than half of the weight; write the spread from piece to piece in grams"),
    ("catalog.yaml", "    brand: Bienfein\n", "    barnd: Bienfein\n",
     "products[0].barnd: is not a known key, did you mean 'brand'?; use sku, weight_g, size, gtin, name, brand, "
     "category, price_minor, tax_percent, weight_sd_g, shape, image, family, age_restricted, sold_by_weight, fridge "
     "or remove it"),
    ("planogram.yaml", "honey-blossom", "honey-blosom",
     "facings.g1[1][0]: there is no product 'honey-blosom', did you mean 'honey-blossom'?; use a sku of catalog.yaml"),
    ("planogram.yaml", "  g2:", "  g7:",
     "facings.g7: there is no fixture 'g7'; use a fixture of store.yaml"),
    ("planogram.yaml", "    - [honey-forest, nuts-peanuts, honey-blossom]",
     "    - [honey-forest, nuts-peanuts, honey-blossom, bar-peanut]",
     "facings.g2[0]: has 4 lanes, shelf 0 of g2 has 3; write one entry per lane"),
    ("planogram.yaml", "    - [honey-forest, nuts-peanuts, honey-blossom]\n", "    - []\n    - []\n    - []\n",
     "facings.g2: has 5 shelves, g2 has 3; write one list per shelf"),
    ("planogram.yaml", "[honey-forest, nuts-peanuts", "[{sku: honey-forest, columns: 9}, nuts-peanuts",
     "facings.g2[0][0].columns: must be a whole number from 1 to 4, not '9'; write a whole number from 1 to 4"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "message"), MISTAKES, ids=[row[3][:48] for row in MISTAKES])
def test_each_mistake_gets_one_line_with_its_place_and_remedy(files, name, old, new, message):
    files.edit(name, old, new)
    with pytest.raises(StoreError) as caught:
        load_store("shop/")
    texts = [str(problem) for problem in caught.value.problems]
    assert len(texts) == 1, texts
    place, _, rest = texts[0].partition(": ")
    assert rest == message
    file, _, line = place.rpartition(":")
    assert file == f"shop/{name}"
    lines = (files.directory / name).read_text().splitlines()
    if new:
        spoilt = [i for i, text in enumerate(lines, start=1) if new.splitlines()[0] in text]
        assert any(-1 <= i - int(line) <= 5 for i in spoilt), "the line is that of the field or of its section"


def test_two_products_with_one_sku(files):
    files.edit("catalog.yaml", "sku: honey-forest", "sku: honey-blossom").edit("planogram.yaml", "honey-forest", "~", 2)
    line = [i for i, text in enumerate((files.directory / "catalog.yaml").read_text().splitlines()) if "y-bl" in text]
    with pytest.raises(StoreError) as caught:
        load_store("shop/")
    assert str(caught.value) == (
        f"shop/catalog.yaml:{line[1] + 1}: products[1].sku: 'honey-blossom' names two products; "
        "give every product its own sku"
    )


def test_all_mistakes_of_all_files_are_reported_at_once(files):
    files.edit("store.yaml", "currency: EUR", "currency: XXXX").edit("store.yaml", "z: 0.30", "z: low")
    files.edit("catalog.yaml", "tax_percent: 7", "tax_percent: -7").edit(
        "planogram.yaml", "bar-cranberry", "bar-banana"
    )
    with pytest.raises(StoreError) as caught:
        load_store("shop/")
    assert [(p.file, p.line, p.field) for p in caught.value.problems] == [
        ("shop/store.yaml", files.line_of("store.yaml", "XXXX"), "currency"),
        ("shop/store.yaml", files.line_of("store.yaml", "z: low"), "fixtures[0].shelves[0].z"),
        ("shop/catalog.yaml", files.line_of("catalog.yaml", "-7"), "products[0].tax_percent"),
        ("shop/planogram.yaml", files.line_of("planogram.yaml", "bar-banana"), "facings.g2[2][0]"),
    ]


def test_a_faulty_fixture_or_product_is_not_reported_again_where_it_is_used(files):
    files.edit("store.yaml", "size: [0.44, 1.0, 1.5]", "size: big")
    files.edit("catalog.yaml", "weight_g: 410", "weight_g: heavy")
    with pytest.raises(StoreError) as caught:
        load_store("shop/")
    assert [problem.field for problem in caught.value.problems] == ["fixtures[0].size", "products[0].weight_g"]


@pytest.mark.parametrize("name", ["store.yaml", "catalog.yaml", "planogram.yaml"])
def test_a_missing_broken_or_empty_file_is_one_line(files, name):
    path = files.directory / name
    text = path.read_text()
    path.write_text(text + "\n  - : ][\n")
    with pytest.raises(StoreError, match=rf"^shop/{name}:\d+: is not valid YAML: .*; correct the YAML syntax"):
        load_store("shop/")
    path.write_text("")
    with pytest.raises(StoreError, match=f"^shop/{name}:1: has no 'key: value' lines at its top; "):
        load_store("shop/")
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(StoreError, match=f"^shop/{name}: is not UTF-8 text; save it as UTF-8$"):
        load_store("shop/")
    path.unlink()
    with pytest.raises(StoreError, match=rf"^shop/{name}: cannot be read \(No such file or directory\); "):
        load_store("shop/")


def test_a_missing_picture_names_the_command_that_draws_it(files):
    (files.directory / "images/bar-coconut.png").unlink()
    with pytest.raises(StoreError, match=r"image: images/bar-coconut.png does not exist; .* walkout store art"):
        load_store("shop/")


def test_goods_must_fit_their_lane_and_stay_cool(files):
    files.edit("catalog.yaml", "size: [0.065, 0.065, 0.09]", "size: [0.065, 0.5, 0.09]")
    files.edit("catalog.yaml", "    shape: can\n", "    shape: can\n    fridge: true\n", count=2)
    files.edit("catalog.yaml", "size: [0.065, 0.065, 0.09]", "size: [0.065, 0.065, 0.09]")
    with pytest.raises(StoreError) as caught:
        load_store("shop/")
    texts = sorted({problem.message for problem in caught.value.problems})
    assert texts == [
        "honey-blossom is 0.5 m wide, lane g1/1/0 has 0.250 m",
        "honey-blossom is 0.5 m wide, lane g2/0/2 has 0.267 m",
        "honey-forest must be kept cool, g1 is a gondola",
        "honey-forest must be kept cool, g2 is a gondola",
    ]


def test_a_gate_without_zone_and_a_store_without_exit(files):
    files.edit("store.yaml", "gate: gate_out, ", "")
    with pytest.raises(StoreError, match=r"fixtures\[3\]: no zone belongs to gate gate_out; add a zone with gate:"):
        load_store("shop/")
    files.edit("store.yaml", "direction: exit", "direction: entry")
    files.edit("store.yaml", "kind: exit, ", "kind: entry, gate: gate_out, ")
    with pytest.raises(StoreError, match="fixtures: no gate is for exit; add a gate with direction: exit"):
        load_store("shop/")


def test_a_product_in_a_walled_off_corner_is_out_of_reach(files):
    wall = "  - {id: wall, type: wall, pose: {x: 0.75, y: 1.9}, size: [0.1, 2.2, 2.0]}\n  - id: g2"
    files.edit("store.yaml", "  - id: g2", wall)
    with pytest.raises(StoreError, match=r"no way from the entry to .* lanes; leave a path 0.44 m wide"):
        load_store("shop/")


def test_an_unknown_name_lists_the_known_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as caught:
        load_store("cornr")
    told = "cornr: is no store, did you mean 'corner'?; use a folder or one of: arcade, corner, kiosk"
    assert str(caught.value) == told
    with pytest.raises(StoreError, match=r"^no/where: is no folder; name the folder that holds store.yaml$"):
        find_store("no/where")


def test_installed_stores_come_first(tmp_path, monkeypatch):
    installed = tmp_path / "share/walkout/config/stores/kiosk"
    shutil.copytree(find_store("kiosk"), installed)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert find_store("kiosk") == installed
    assert load_store("kiosk").directory == str(installed)
    assert {"corner", "kiosk"} <= set(available_stores())


def test_the_kiosk_is_read_as_it_is_written():
    store = load_store("kiosk")
    assert (store.store_id, store.name, store.currency) == ("kiosk", "Kiosk", "EUR")
    gondola = store.fixture_by_id["g1"]
    assert gondola.type is FixtureType.GONDOLA
    assert [lane.lane_id for lane in gondola.lanes[:5]] == ["g1/0/0", "g1/0/1", "g1/0/2", "g1/0/3", "g1/1/0"]
    assert np.allclose([lane.y for lane in gondola.shelves[0].lanes], [-0.375, -0.125, 0.125, 0.375])
    assert gondola.shelves[0].clearance == pytest.approx(0.72 - 0.03 - 0.30)
    assert gondola.shelves[2].clearance == pytest.approx(0.40)
    assert gondola.shelves[0].x == pytest.approx(-0.22 + 0.03 + 0.19), "boards hang on the back panel"
    assert store.gates(GateDirection.EXIT)[0].fixture_id == "gate_out"
    assert [zone.kind for zone in store.zones] == [ZoneKind.ENTRY, ZoneKind.EXIT]
    honey = store.product_by_sku["honey-blossom"]
    assert (honey.price_minor, honey.weight_g, honey.shape) == (449, 410.0, ProductShape.CAN)
    facing = store.facing_by_lane["g1/1/0"]
    assert (facing.sku, facing.columns, facing.depth_count) == ("honey-blossom", 3, 4)


def test_cameras_may_be_given_by_angles_and_full_intrinsics(files):
    files.edit(
        "store.yaml",
        "look_at: [1.5, 1.7, 0.7], horizontal_fov_deg: 90",
        "rpy_deg: [0, 90, 0], intrinsics: {fx: 300, fy: 310, cx: 320, cy: 240}, distortion: [-0.1, 0.02, 0, 0], "
        "resolution: [1280, 720], rate_hz: 15",
    )
    camera = load_store("shop/").camera_by_id["c1"]
    assert np.allclose(camera.matrix, [[300, 0, 320], [0, 310, 240], [0, 0, 1]])
    assert np.allclose(camera.distortion, [-0.1, 0.02, 0, 0, 0])
    assert (camera.width, camera.height, camera.rate_hz) == (1280, 720, 15.0)
    assert np.allclose(camera.rotation[:, 2], [0, 0, -1]), "pitch 90 degrees looks straight down"


def test_yaml_anchors_share_shelves_between_fixtures(files):
    files.edit("store.yaml", "    shelves:\n", "    shelves: &boards\n")
    text = (files.directory / "store.yaml").read_text()
    head, tail = text.split("    size: [0.44, 0.8, 1.5]\n")
    rest = tail[tail.index("  - id: gate_in") :]
    (files.directory / "store.yaml").write_text(head + "    size: [0.44, 1.0, 1.5]\n    shelves: *boards\n" + rest)
    files.edit("store.yaml", "depth: 0.30, lanes: 4", "depth: 0.30, lanes: 4")
    store = load_store("shop/")
    assert [len(shelf.lanes) for shelf in store.fixture_by_id["g2"].shelves] == [4, 4, 4]


def test_clockwise_zones_are_turned_round(files):
    files.edit("store.yaml", "[[1.6, 0.0], [3.0, 0.0], [3.0, 1.0], [1.6, 1.0]]", "[[1.6, 1], [3, 1], [3, 0], [1.6, 0]]")
    corners = np.array(load_store("shop/").zones[0].polygon)
    following = np.roll(corners, -1, axis=0)
    assert (corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]).sum() > 0


@given(st.integers(0, 10**12 - 1))
def test_a_gtin_with_its_check_digit_sums_to_a_multiple_of_ten(number):
    digits = f"{number:012d}"
    gtin = digits + str(gtin_check_digit(digits))
    assert (sum(map(int, gtin[-1::-2])) + 3 * sum(map(int, gtin[-2::-2]))) % 10 == 0


def test_known_gtins():
    for gtin in ("4006381333931", "96385074", "036000291452"):
        assert gtin_check_digit(gtin[:-1]) == int(gtin[-1])
