"""The page in a real browser, fed with markers, carts and receipts as the node would."""

from __future__ import annotations

import base64
import shutil
import socket

import cv2
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from walkout.analytics.live import LiveState
from walkout.analytics.web import WebServer

BROWSER = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome: apt-get install chromium")


def marker(ns, kind, position=(0, 0, 0), scale=(1, 1, 1), points=(), text=""):
    return {
        "ns": ns,
        "type": kind,
        "position": list(position),
        "orientation": [0, 0, 0, 1],
        "scale": list(scale),
        "color": [0.2, 0.6, 0.9, 1],
        "points": list(points),
        "colors": [],
        "text": text,
    }


def line(name, quantity, total_minor, probability):
    return {
        "sku": name.lower(),
        "name": name,
        "quantity": quantity,
        "total_minor": total_minor,
        "probability": probability,
        "evidence": ["g1-0001"],
    }


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def live():
    state = LiveState(title="Test Shop")
    state.put("marker", "markers/store/floor/0", marker("floor", 1, (4, 3, 0), (8, 6, 0.02)))
    state.put("marker", "markers/shoppers/body/7", marker("body", 3, (4, 3, 0.8), (0.4, 0.4, 1.7)))
    state.put(
        "marker", "markers/shoppers/skeleton/7", marker("skeleton", 5, scale=(0.03, 0, 0), points=(4, 3, 1, 4, 3, 2))
    )
    state.put("marker", "markers/carts/label/7", marker("label", 9, (4, 3, 2), text="2 items"))
    return state


@pytest.fixture
def page(browser, live):
    server = WebServer(live, "127.0.0.1", 0)
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    problems = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("response", lambda response: response.status >= 400 and problems.append(response.url))
    opened.goto(f"http://127.0.0.1:{server.port}/")
    opened.wait_for_selector("text=Test Shop")
    yield opened
    opened.close()
    server.close()
    assert problems == []


def test_carts_and_receipts_appear_with_totals(page, live):
    page.wait_for_selector("text=Nobody is in the store.")
    cart = {"id": "c", "session": "corner-1", "staff": False, "state": "open", "tracks": [7], "currency": "EUR"}
    cart["names"] = ["007"]
    live.put("carts", "all", [cart | {"lines": [line("Oat Milk", 2, 398, 0.97)], "total_minor": 398}])
    page.wait_for_selector("#carts >> text=Oat Milk")
    assert "3.98" in page.inner_text("#carts").replace(",", ".")
    assert page.inner_text("#cart-count") == "1"
    assert "shopper 007" in page.inner_text("#carts")
    receipt = {"id": "corner-1-r1", "session": "corner-1", "stamp_s": 10.0, "visit_s": 42.0, "currency": "EUR"}
    receipt |= {"payment": "captured", "reference": "x", "needs_review": False, "total_minor": 398}
    live.put_receipt("corner-1-r1", receipt | {"lines": [line("Oat Milk", 2, 398, 0.62)]})
    page.wait_for_selector("#receipts >> text=corner-1-r1")
    assert page.locator("#receipts tr.doubtful").count() == 1
    live.put("carts", "all", [])
    page.wait_for_selector("text=Nobody is in the store.")


def test_the_markers_are_drawn_and_deleted(page, live):
    page.wait_for_selector("#labels >> text=2 items")
    view = page.locator("#view")
    page.wait_for_timeout(500)
    before = cv2.imdecode(np.frombuffer(view.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert before.reshape(-1, 3).std(axis=0).min() > 3, "the canvas is of one colour"
    live.put("marker", "markers/shoppers/body/7", None)
    live.put("marker", "markers/shoppers/skeleton/7", None)
    live.put("marker", "markers/carts/label/7", None)
    page.wait_for_selector("#labels >> text=2 items", state="detached")
    page.wait_for_timeout(500)
    after = cv2.imdecode(np.frombuffer(view.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    changed = np.abs(before.astype(int) - after).max(axis=2) > 20
    assert 50 < changed.sum() < 0.2 * changed.size


def test_the_view_is_not_empty_for_a_moment_when_its_size_changes(page):
    """A banner above makes the view smaller: looks at what is painted in that frame, after the page's own observer."""
    page.wait_for_selector("#labels >> text=2 items")
    page.wait_for_timeout(500)
    url = page.evaluate(
        """() => new Promise(done => {
            const canvas = document.querySelector("#view"), box = canvas.parentElement;
            const shrink = () => { box.style.height = `${box.clientHeight - 60}px`; };
            let told = 0;
            new ResizeObserver(() => told++ ? done(canvas.toDataURL()) : requestAnimationFrame(shrink)).observe(box);
        })"""
    )
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert picture.reshape(-1, 3).std(axis=0).min() > 3, "the canvas is of one colour"


def test_camera_pictures_come_through(page, live):
    picture = cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1].tobytes()
    live.put("picture", "c10", picture)
    live.put("picture", "c2", picture)
    page.wait_for_function("document.querySelectorAll('#cameras img').length === 2")
    page.wait_for_function("[...document.querySelectorAll('#cameras img')].every(i => i.naturalWidth === 64)")
    assert page.locator("#cameras figcaption").all_inner_texts() == ["c2", "c10"]


def test_nothing_overflows_on_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_api_answers(page, live):
    assert page.request.get(page.url + "api/receipts").json() == []
    live.put("picture", "c1", b"jpeg")
    assert page.request.get(page.url + "api/cameras/c1.jpg").body() == b"jpeg"


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 is in use; choose another with port:="):
            WebServer(LiveState(), "127.0.0.1", port)
