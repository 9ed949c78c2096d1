"""clickhouse-connect against the embedded engine's HTTP face, as against any server. In: host and port. Out: a line per
case and exit 0, or the traceback of the first case that fails."""

import datetime
import sys

import clickhouse_connect
import pandas
import pyarrow
from clickhouse_connect.driver.exceptions import DatabaseError, Error

HOST, PORT = sys.argv[1], int(sys.argv[2])
ROWS = 100_000


def client(**more):
    return clickhouse_connect.get_client(host=HOST, port=PORT, **more)


def rows_and_types(c):
    result = c.query("SELECT number AS n, toString(n) AS s, [n, n + 1] AS a, toDateTime('2026-01-02 03:04:05') AS t, "
                     "NULL AS e, toDecimal64(n, 2) AS d, map('k', n) AS m FROM numbers(3)")
    assert result.column_names == ("n", "s", "a", "t", "e", "d", "m"), result.column_names
    n, s, a, t, e, d, m = result.result_rows[2]
    assert (n, s, list(a), e, float(d), m) == (2, "2", [2, 3], None, 2.0, {"k": 2}), result.result_rows
    assert t.replace(tzinfo=None) == datetime.datetime(2026, 1, 2, 3, 4, 5), t
    assert c.query("SELECT 1 WHERE 0").result_rows == []
    assert result.query_id and result.summary["read_rows"] == "3", result.summary


def parameters(c):
    text = "it's \\ \"quoted\"\n\ttab; DROP"
    found = c.query("SELECT {a:String}, {b:Array(UInt8)}, {d:Date}",
                    parameters={"a": text, "b": [1, 2], "d": datetime.date(2026, 1, 2)}).result_rows
    assert found == [(text, [1, 2], datetime.date(2026, 1, 2))], found
    assert c.query("SELECT %(x)s", parameters={"x": text}).result_rows == [(text,)]


def commands(c):
    assert c.command("SELECT 40 + 2") == 42
    c.command("DROP TABLE IF EXISTS connect_t SYNC")
    c.command("CREATE TABLE connect_t (n UInt32, s String, x Nullable(Float64)) ENGINE = MergeTree ORDER BY n")
    assert c.command("EXISTS TABLE connect_t") == 1
    assert c.command("SHOW TABLES LIKE 'connect_t'") == "connect_t"


def inserts(c):
    data = [[i, f"row {i}\n;'", None if i % 2 else i / 4] for i in range(ROWS)]
    for compression in (None, "lz4", "zstd", "gzip"):
        own = client(compress=compression) if compression else client(compress=False)
        own.command("TRUNCATE TABLE connect_t")
        summary = own.insert("connect_t", data, column_names=["n", "s", "x"])
        assert summary.written_rows == ROWS, (compression, summary.summary)
        found = own.query("SELECT count(), sum(n), countIf(x IS NULL) FROM connect_t").result_rows
        assert found == [(ROWS, sum(range(ROWS)), ROWS // 2)], (compression, found)
        own.close()
    back = c.query("SELECT * FROM connect_t ORDER BY n").result_rows
    assert back == [tuple(r) for r in data]
    c.command("TRUNCATE TABLE connect_t")
    c.raw_insert("connect_t", insert_block="1,a,0.5\n2,b,\\N\n", fmt="CSV")
    assert c.query("SELECT n, s, x FROM connect_t ORDER BY n").result_rows == [(1, "a", 0.5), (2, "b", None)]


def frames(c):
    c.command("TRUNCATE TABLE connect_t")
    frame = pandas.DataFrame({"n": range(ROWS), "s": [f"s{i}" for i in range(ROWS)], "x": [i / 2 for i in range(ROWS)]})
    c.insert_df("connect_t", frame)
    back = c.query_df("SELECT n, s, x FROM connect_t ORDER BY n")
    assert len(back) == ROWS and list(back.columns) == ["n", "s", "x"]
    assert back["x"].sum() == frame["x"].sum() and (back["s"] == frame["s"]).all()
    table = c.query_arrow("SELECT n, s FROM connect_t ORDER BY n", use_strings=True)
    assert isinstance(table, pyarrow.Table) and table.num_rows == ROWS
    assert table.column("s")[ROWS - 1].as_py() == f"s{ROWS - 1}"
    c.insert_arrow("connect_t", pyarrow.table({"n": [7], "s": ["arrow"], "x": [1.5]}))
    assert c.command("SELECT count() FROM connect_t WHERE s = 'arrow'") == 1


def streams(c):
    total = rows = 0
    with c.query_row_block_stream("SELECT number FROM numbers(3000000)") as stream:
        for block in stream:
            rows += len(block)
            total += sum(n for (n,) in block)
    assert (rows, total) == (3_000_000, 3_000_000 * 2_999_999 // 2), (rows, total)
    with c.query_df_stream("SELECT number, toString(number) AS s FROM numbers(1000000)") as stream:
        assert sum(len(frame) for frame in stream) == 1_000_000
    # A stream that is left half-way does not stand in the way of the next question.
    with c.query_row_block_stream("SELECT number FROM numbers(1000000000)") as stream:
        next(iter(stream))
    assert c.command("SELECT 1") == 1


def errors(c):
    for sql, code in [("SELECT no_such_column", 47), ("SELEC", 62), ("SELECT * FROM no_such_table", 60)]:
        try:
            c.query(sql)
        except DatabaseError as error:
            assert f"{code}" in str(error), error
        else:
            raise AssertionError(f"no error from {sql}")
    try:
        with c.query_row_block_stream("SELECT throwIf(number = 3000000) FROM numbers(5000000)") as stream:
            rows = sum(len(block) for block in stream)
    except Error as error:
        assert "395" in str(error), error
    else:
        raise AssertionError(f"no late error, {rows} rows")
    try:
        c.command("SELECT * FROM file('/etc/passwd')")
    except DatabaseError as error:
        assert "497" in str(error), error
    else:
        raise AssertionError("file() was let through")


def sessions(c):
    c.command("CREATE TEMPORARY TABLE connect_tmp (a Int32)")
    c.insert("connect_tmp", [[1], [2], [3]], column_names=["a"])
    assert c.command("SELECT sum(a) FROM connect_tmp") == 6
    c.command("SET max_block_size = 77")
    assert c.command("SELECT getSetting('max_block_size')") == 77
    assert c.command("SELECT getSetting('max_block_size')", settings={"max_block_size": 99}) == 99
    assert c.command("SELECT getSetting('max_block_size')") == 77
    other = client(session_id="another")
    try:
        other.command("SELECT sum(a) FROM connect_tmp")
    except DatabaseError as error:
        assert "60" in str(error), error
    else:
        raise AssertionError("the temporary table is seen from another session")
    other.close()


def main():
    c = client()
    assert c.ping() and c.server_version
    for case in (rows_and_types, parameters, commands, inserts, frames, streams, errors, sessions):
        case(c)
        print(case.__name__, "passed")
    database = client(database="default", query_limit=0, settings={"max_threads": 1})
    rows_and_types(database)
    database.close()
    c.close()
    print("every case passed")


main()
