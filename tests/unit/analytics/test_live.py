from walkout.analytics.live import RECEIPTS_KEPT, LiveState


def test_a_browser_gets_only_what_changed():
    live = LiveState()
    live.put("marker", "a", {"x": 1})
    version, changes = live.changes(0)
    assert changes == [("marker", "a", {"x": 1})]
    assert live.changes(version) == (version, [])
    live.put("marker", "a", None)
    assert live.changes(version)[1] == [("marker", "a", None)]


def test_a_new_browser_is_not_told_of_what_is_gone():
    live = LiveState()
    live.put("marker", "a", {"x": 1})
    live.put("marker", "a", None)
    assert live.changes(0)[1] == []


def test_old_receipts_are_forgotten():
    live = LiveState()
    for number in range(RECEIPTS_KEPT + 5):
        live.put_receipt(str(number), {"stamp_s": number})
    assert len(live.newest("receipt")) == RECEIPTS_KEPT
    assert "0" not in live.newest("receipt")
