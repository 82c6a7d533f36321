from walkout.ros.probe import same_domain


def test_processes_of_other_stores_on_the_machine_do_not_count():
    ours = {"ROS_DOMAIN_ID": "7"}
    assert same_domain({"ROS_DOMAIN_ID": "7", "HOME": "/"}, ours)
    assert not same_domain({"ROS_DOMAIN_ID": "8"}, ours)
    assert not same_domain({}, ours)
    assert not same_domain(None, ours)


def test_no_domain_is_domain_zero():
    assert same_domain({}, {"ROS_DOMAIN_ID": "0"})
    assert same_domain({"ROS_DOMAIN_ID": ""}, {})
