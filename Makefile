# The two commands of the README are `make demo` and `make test`; the rest are their parts.
SHELL := /bin/bash
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Prepare virtual environment, ROS 2 and build
	@scripts/setup

demo:  ## Set up and run the demo store, live in the browser
	@scripts/setup
	@source env.sh && exec ros2 launch walkout store.launch.py scenario:=demo $(ARGS)

test:  ## Set up, lint and run the tests (all but test-standins)
	@scripts/setup --test
	@source env.sh && scripts/check

test-standins:  ## Set up and run the graph tests of the stand-ins (compat/)
	@scripts/setup --test
	@source env.sh && pytest tests/graph/compat

rviz-picture:  ## A picture of the running store in Debian's RViz, for the docs (optional tool)
	@scripts/setup
	@scripts/rviz_picture

build: setup  ## Same as setup

lock:  ## Renew the lock files in requirements/ (needs uv)
	scripts/lock

clean:  ## Remove everything that was built or installed in this folder
	rm -rf .venv build install log var

.PHONY: help setup demo test test-standins rviz-picture build lock clean
