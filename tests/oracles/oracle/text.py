"""Text in, plain values out: YAML 1.2 scalars, instants in microseconds, fixed durations, canonical JSON.

Never reads a clock.
"""
import datetime
import json
import math
import re
import zoneinfo

import yaml

EARLIEST = 631_152_000_000_000  # 1990-01-01T00:00:00Z
LATEST = 4_133_980_800_000_000  # 2101-01-01T00:00:00Z
SECOND = 1_000_000
DAY = 86_400 * SECOND
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core scalars: no dates, no `yes`, no `10:30` that becomes 630."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in [
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("merge", r"^<<$", "<"),
]:
    _Loader.add_implicit_resolver("tag:yaml.org,2002:" + _tag, re.compile(_pattern), list(_first))


def load_yaml(text):
    return yaml.load(text, Loader=_Loader)


def micros(moment):
    d = moment - EPOCH
    return (d.days * 86_400 + d.seconds) * SECOND + d.microseconds


def zone(name):
    return zoneinfo.ZoneInfo(name or "UTC")


def parse_time(value, form="auto", zone_name=None):
    """An instant in microseconds, or None where the text is not one."""
    if value is None or value == "":
        return None
    form = form or "auto"
    try:
        if form in UNIX:
            return round(float(value) * UNIX[form]) if not isinstance(value, int) else value * UNIX[form]
        text = str(value).strip()
        if form in ("auto", "iso8601", "rfc3339"):
            if len(text) < 10 or text[4] != "-":
                return None
            moment = datetime.datetime.fromisoformat(text)
        else:
            moment = datetime.datetime.strptime(text, form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S"))
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(zone_name))
    return micros(moment)


UNIX = {"unix": SECOND, "unix_seconds": SECOND, "unix_millis": 1_000, "unix_micros": 1}


def show_time(t):
    moment = EPOCH + datetime.timedelta(microseconds=t)
    return moment.isoformat().replace("+00:00", "Z")


def utc_day(t):
    return t // DAY


def day_text(t, tz):
    return (EPOCH + datetime.timedelta(microseconds=t)).astimezone(tz).date().isoformat()


def end_of_day(text, tz):
    day = datetime.date.fromisoformat(text) + datetime.timedelta(days=1)
    return micros(datetime.datetime(day.year, day.month, day.day, tzinfo=tz))


_ISO = re.compile(r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_FRIENDLY = re.compile(r"^(\d+)\s*([a-z]+)$")
_UNITS = {"y": 365 * 86_400, "w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_duration(value):
    """A length in microseconds. A month has 30 days and a year 365, whatever the calendar says."""
    text = str(value).strip()
    if found := _ISO.match(text):
        years, months, weeks, days, hours, minutes, seconds = (int(x or 0) for x in found.groups())
        days += years * 365 + months * 30 + weeks * 7
        return ((days * 24 + hours) * 3600 + minutes * 60 + seconds) * SECOND
    if found := _FRIENDLY.match(text):
        return int(found[1]) * _UNITS[found[2][0]] * SECOND
    raise ValueError(f"not a length of time: {text}")


def plain(value):
    """A value as rules compare it: `true` equals "true", 1 equals "1"."""
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        return canonical(value)
    if isinstance(value, float):
        return _number(value)
    return str(value)


def dig(value, dotted):
    """The value at a dotted path: a key with dots in it is tried whole first."""
    if isinstance(value, dict) and dotted in value:
        return value[dotted]
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def canonical(value):
    """RFC 8785: keys by UTF-16 code units, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + canonical(value[k]) for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 2**53 else _number(float(value))
    return json.dumps(value, ensure_ascii=False)


def _number(x):
    if not math.isfinite(x):
        raise ValueError("a number of JSON is finite")
    if x == int(x) and abs(x) < 1e21:
        return str(int(x))
    digits = repr(x)
    if "e" in digits:
        mantissa, exponent = digits.split("e")
        if 1e-7 <= abs(x) < 1e-4:
            return f"{x:.{len(mantissa.replace('.', '').lstrip('-')) - int(exponent) - 1}f}"
        return f"{mantissa}e{int(exponent):+d}"
    return digits
