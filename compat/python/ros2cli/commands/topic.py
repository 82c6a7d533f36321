"""``ros2 topic``."""

from __future__ import annotations

import argparse

from ros2cli.topic import echo, find, pub, rates
from ros2cli.verbs import Verb, add_verbs, run_verb

VERBS = {
    "bw": Verb("Show the bandwidth of a topic", rates.add_bw_arguments, rates.main_bw),
    "delay": Verb("Show how old messages are on arrival", rates.add_delay_arguments, rates.main_delay),
    "echo": Verb("Print messages of a topic", echo.add_arguments, echo.main),
    "find": Verb("List topics of a type", find.add_find_arguments, find.main_find),
    "hz": Verb("Show the rate of a topic", rates.add_hz_arguments, rates.main_hz),
    "info": Verb("Show type and endpoints of a topic", find.add_info_arguments, find.main_info),
    "list": Verb("List topics", find.add_list_arguments, find.main_list),
    "pub": Verb("Publish a message", pub.add_arguments, pub.main),
    "type": Verb("Show the type of a topic", find.add_topic_argument, find.main_type),
}


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)
