#!/usr/bin/env python3
"""What the tables must hold, computed a second time from the events, the journey files and the config alone.

    tropa_oracle.py --config tropa.yaml [--map journey.yaml ...] [--as-of T] [--no-journeys] [--mode N]   -> JSON
    tropa_oracle.py --cases cases.yaml                                                   -> the law by example, checked

Written from the text of the law (ARCHITECTURE.md, "What every number means"), never from the service's code. Identifiers
are read raw, so the config needs `identifiers: {store: raw}` for the two to be comparable.
"""
import argparse
import json
import os
import sys

from oracle.batch import Batch
from oracle.cases import OUT_OF_SCOPE, check
from oracle.decode import expand, read
from oracle.mapping import Map
from oracle.people import Kinds
from oracle.text import load_yaml, parse_time, show_time


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run_cases(path):
    results = check(text_of(path))
    failed = [(name, faults) for name, faults in results if faults]
    for name, faults in failed:
        print(f"FAILED  {name}")
        for fault in faults:
            print(f"          {fault}")
    print(f"{len(results) - len(failed)} of {len(results)} cases agree; left out: {len(OUT_OF_SCOPE)}")
    for name in OUT_OF_SCOPE:
        print(f"  left out  {name}")
    return 1 if failed else 0


def maps_of(paths, mode):
    versions = {}
    for path in paths:
        given = load_yaml(text_of(path))
        versions.setdefault(given["id"], []).append(given)
    maps = [Map(files) for files in versions.values()]
    for m in maps:
        m.mode = int(mode) if mode else "valid"
    return maps


def run_config(args):
    config = load_yaml(text_of(args.config))
    beside = os.path.dirname(os.path.abspath(args.config))
    kinds = Kinds((config.get("identifiers") or {}).get("kinds") or {})
    events, sources = read(config, kinds)
    as_of = parse_time(args.as_of) if args.as_of else None
    batch = Batch(events, sources, kinds, as_of, config.get("max_visits", 100_000))
    paths = args.map or [p if os.path.isabs(expand(p)) else os.path.join(beside, expand(p)) for p in config["maps"]]
    maps = {m.newest.id: batch.map_report(m, not args.no_journeys) for m in maps_of(paths, args.mode)}
    json.dump({"as_of": show_time(batch.as_of), **batch.identity_report(), "maps": maps}, sys.stdout, ensure_ascii=False)
    print()
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="check the oracle itself by the cases of the law")
    parser.add_argument("--config")
    parser.add_argument("--map", action="append", help="journey file; default: those of the config")
    parser.add_argument("--as-of")
    parser.add_argument("--mode", help="put all history under this version of the map")
    parser.add_argument("--no-journeys", action="store_true")
    args = parser.parse_args()
    if args.cases:
        return run_cases(args.cases)
    if not args.config:
        parser.error("--config or --cases is needed")
    return run_config(args)


if __name__ == "__main__":
    sys.exit(main())
