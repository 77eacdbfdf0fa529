"""What PROTOCOL.md promises, asked of a running server. Run by `spg_client.py HOST:PORT`."""

import contextlib
import math
import socket
import struct
import traceback

import spg_client as spg
from spg_client import Connection, ConnectionLost, Result, SpgError, frame, string

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@contextlib.contextmanager
def raises(sqlstate, severity=1):
    """The block must raise an SpgError of this SQLSTATE and severity."""
    try:
        yield
    except SpgError as error:
        assert error.sqlstate == sqlstate, f"{error} instead of {sqlstate}"
        assert error.severity == severity, f"severity {error.severity} instead of {severity}"
    else:
        raise AssertionError(f"no error instead of {sqlstate}")


class Server:
    """Opens connections and closes them at the end of a check."""

    def __init__(self, host, port):
        self.host, self.port, self.connections = host, port, []

    def connect(self, **options):
        connection = Connection(self.host, self.port, **options)
        self.connections.append(connection)
        return connection

    def table(self, definition):
        """A connection and a fresh table `python_test`."""
        connection = self.connect(application_name="spg_client.py")
        connection.run(f"DROP TABLE IF EXISTS python_test; CREATE TABLE python_test ({definition})")
        return connection

    def close(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.close()
        self.connections.clear()


@check
def hello_says_who_and_what(server):
    connection = server.connect(user="python", application_name="spg_client.py")
    assert connection.version >> 8 == 1
    assert connection.status == "I"
    assert connection.parameters["server_encoding"] == "UTF8"
    assert connection.parameters["application_name"] == "spg_client.py"
    assert connection.parameters["server_version"]
    other = server.connect()
    assert other.database_uuid == connection.database_uuid
    assert other.session_id != connection.session_id and other.secret != connection.secret


@check
def settings_of_the_hello_are_set(server):
    connection = server.connect(lock_timeout="1234ms")
    assert connection.run("SHOW lock_timeout").rows[0][0] in ("1234ms", "1234")
    with raises("42704", spg.FATAL):
        server.connect(no_such_setting="1")


@check
def ping_and_stats(server):
    connection = server.connect()
    connection.ping(2**64 - 1)
    assert connection.stats()


@check
def a_script_goes_on_after_an_error(server):
    connection = server.table("id INT PRIMARY KEY, name TEXT")
    answers = connection.script(
        "INSERT INTO python_test VALUES (1, 'one'), (2, NULL);"
        "SELECT * FROM no_such_table;"
        "SELECT id, name FROM python_test ORDER BY id"
    )
    assert [type(answer) for answer in answers] == [Result, SpgError, Result]
    assert (answers[0].tag, answers[0].count) == ("INSERT 0 2", 2)
    assert answers[1].sqlstate == "42P01" and answers[1].position
    assert answers[2].rows == [(1, "one"), (2, None)] and answers[2].tag == "SELECT 2"
    assert connection.status == "I"
    assert connection.script("")[0].tag is None


@check
def commits_have_receipts(server):
    connection = server.table("id INT PRIMARY KEY")
    assert connection.run("SELECT 1").receipt is None
    commits = [connection.run(f"INSERT INTO python_test VALUES ({i})").receipt[0] for i in range(3)]
    insert = connection.prepare("INSERT INTO python_test VALUES ($1)")
    commits += [answer.receipt[0] for answer in connection.pipeline([(insert, (i,)) for i in range(3, 40)])]
    assert commits == sorted(set(commits)) and commits[0] > 0, commits
    connection.run("BEGIN")
    assert connection.execute(insert, 100).receipt is None
    commit, sequence, head = connection.run("COMMIT").receipt
    assert commit > commits[-1] and (sequence is None) == (head is None)
    assert connection.run("BEGIN; COMMIT").receipt is None


@check
def tasks_are_answered_or_refused(server):
    connection = server.connect()
    with raises("42883"):
        connection.administer("no-such-verb")
    with raises("22023"):
        connection.administer("verify", no_such_option="1")
    assert connection.administer("verify").columns[0][0] == "part"
    connection.ping()


@check
def an_older_client_is_answered_in_its_version(server):
    options = struct.pack("<HH", 0x0100, 0)
    older = server.connect()
    older.send(frame(spg.TERMINATE))
    older.socket.close()
    older.socket, older.inbox = socket.create_connection((server.host, server.port), 60.0), bytearray()
    older.send(frame(spg.HELLO, options))
    assert older.expect(spg.HELLO_OK).u16() == 0x0100
    older.expect_ready()
    older.run("DROP TABLE IF EXISTS python_test")
    assert older.run("CREATE TABLE python_test (id INT)").receipt is None
    statement = older.prepare("INSERT INTO python_test VALUES ($1)")
    assert older.execute(statement, 1).receipt is None


@check
def errors_have_their_fields(server):
    connection = server.table("id INT PRIMARY KEY")
    connection.run("INSERT INTO python_test VALUES (1)")
    try:
        connection.query("INSERT INTO python_test VALUES ($1)", 1)
        raise AssertionError("a duplicate key was taken")
    except SpgError as error:
        assert error.sqlstate == "23505"
        assert error.table == "python_test" and error.constraint == "python_test_pkey"
        assert error.detail == "Key (id)=(1) already exists."
    (error,) = connection.script("SELECT 1 FRO python_test x")
    assert error.sqlstate == "42601" and error.position == 14, (error, error.position)


@check
def values_of_every_type_survive(server):
    connection = server.table(
        "a SMALLINT, b INT, c BIGINT, d REAL, e DOUBLE PRECISION, f TEXT, g VARCHAR(9), h BOOL, i VECTOR(3)"
    )
    rows = [
        (-(2**15), -(2**31), -(2**63), 0.5, -1e300, "zażółć \U0001f980", "", True, [1.0, -2.5, 0.0]),
        (2**15 - 1, 2**31 - 1, 2**63 - 1, -0.0, math.inf, "", "123456789", False, [0.0, 0.0, 1e-30]),
        (None,) * 9,
    ]
    insert = connection.prepare("INSERT INTO python_test VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    oids = [spg.INT2, spg.INT4, spg.INT8, spg.FLOAT4, spg.FLOAT8, spg.TEXT, spg.VARCHAR, spg.BOOL, spg.VECTOR]
    assert insert.parameter_types == oids and insert.columns == []
    for row in rows:
        assert connection.execute(insert, *row).tag == "INSERT 0 1"
    result = connection.query("SELECT * FROM python_test")
    assert [column[0] for column in result.columns] == list("abcdefghi")
    assert [column[1] for column in result.columns] == oids
    assert result.columns[6][2] == 13 and result.columns[8][2] == 3 and result.columns[0][2] == -1
    expected = [list(row) for row in rows]
    expected[1][8][2] = struct.unpack("<f", struct.pack("<f", 1e-30))[0]
    assert [list(row) for row in result.rows] == expected, result.rows


@check
def parameters_are_converted_or_refused(server):
    connection = server.table("id INT, x DOUBLE PRECISION, v VECTOR(2)")
    insert = connection.prepare("INSERT INTO python_test (id, x, v) VALUES ($1, $2, $3)")
    connection.execute(insert, 5, 0.5, [1.0, 2.0], types=[spg.INT2, spg.FLOAT4, spg.VECTOR])
    connection.execute(insert, "6", "1e3", "[3,4]")
    rows = connection.query("SELECT id, x, v FROM python_test ORDER BY id").rows
    assert rows == [(5, 0.5, [1.0, 2.0]), (6, 1000.0, [3.0, 4.0])], rows
    with raises("22003"):
        connection.execute(insert, 2**40, None, None)
    with raises("22P02"):
        connection.execute(insert, "six", None, None)
    with raises("42804"):
        connection.execute(insert, True, None, None)
    with raises("08P01"):
        connection.execute(insert, 1)
    connection.ping()


@check
def statements_are_replaced_closed_and_unknown(server):
    connection = server.connect()
    statement = connection.prepare("SELECT $1 + 1", [spg.INT8])
    assert statement.parameter_types == [spg.INT8]
    assert connection.execute(statement, 41).rows == [(42,)]
    connection.send(connection.parse_frame(statement.id, "SELECT 'replaced'") + frame(spg.SYNC))
    replaced = connection.read_parse(connection.expect(spg.PARSE_COMPLETE))
    connection.expect_ready()
    assert connection.execute(replaced).rows == [("replaced",)]
    connection.close_statement(replaced)
    connection.close_statement(replaced)
    with raises("26000"):
        connection.execute(replaced)
    connection.send(frame(spg.EXECUTE) + frame(spg.SYNC))
    with raises("08P01"):
        connection.expect_synced(spg.COMMAND_COMPLETE)
    with raises("42P18"):
        connection.prepare("SELECT $1 IS NULL")
    assert connection.query("").tag is None
    connection.ping()


@check
def columns_known_only_at_run_time_are_described(server):
    connection = server.connect()
    show = connection.prepare("SHOW lock_timeout")
    assert show.columns == []
    result = connection.execute(show)
    assert result.columns[0][0] == "lock_timeout" and len(result.rows) == 1
    assert len(connection.query("EXPLAIN SELECT 1").rows) >= 1


@check
def a_plan_whose_result_changed_is_refused(server):
    connection = server.table("id INT")
    statement = connection.prepare("SELECT * FROM python_test")
    assert connection.execute(statement).rows == []
    server.connect().run("DROP TABLE python_test; CREATE TABLE python_test (id TEXT, more INT)")
    with raises("0A000"):
        connection.execute(statement)
    connection.ping()


@check
def frames_behind_an_error_are_skipped_to_sync(server):
    connection = server.table("id INT PRIMARY KEY")
    insert = connection.prepare("INSERT INTO python_test VALUES ($1)")
    execute = frame(spg.EXECUTE)
    connection.send(
        connection.bind_frame(insert.id, [1]) + execute
        + connection.bind_frame(insert.id, [1]) + execute
        + connection.bind_frame(insert.id, [2]) + execute
        + frame(spg.QUERY, string("DROP TABLE python_test"))
        + frame(spg.PING, struct.pack("<Q", 7)) + frame(spg.SYNC)
    )
    assert connection.read_execution([]).count == 1
    with raises("23505"):
        connection.read_execution([])
    assert connection.expect(spg.PONG).u64() == 7
    connection.expect_ready()
    # What was done before the error stays, what stood behind it was not done.
    assert connection.query("SELECT id FROM python_test").rows == [(1,)]


@check
def a_pipeline_answers_in_order(server):
    connection = server.table("id INT PRIMARY KEY, square INT")
    insert = connection.prepare("INSERT INTO python_test VALUES ($1, $2)")
    select = connection.prepare("SELECT square FROM python_test WHERE id = $1")
    work = [(insert, (i, i * i)) for i in range(100)]
    work.insert(50, (insert, (49, 0)))
    work += [(select, (i,)) for i in range(100)]
    answers = connection.pipeline(work)
    errors = [place for place, answer in enumerate(answers) if isinstance(answer, SpgError)]
    assert errors == [50], errors
    assert [answer.rows for answer in answers[101:]] == [[(i * i,)] for i in range(100)]


@check
def ready_tells_where_the_transaction_stands(server):
    connection = server.table("id INT PRIMARY KEY")
    connection.run("BEGIN")
    assert connection.status == "T"
    connection.query("INSERT INTO python_test VALUES ($1)", 1)
    assert connection.status == "T"
    with raises("22012"):
        connection.query("SELECT 1 / id - 1 / (id - 1) FROM python_test")
    assert connection.status == "E"
    with raises("25P02"):
        connection.query("SELECT 1")
    assert connection.run("COMMIT").tag == "ROLLBACK"
    assert connection.status == "I"
    assert connection.query("SELECT id FROM python_test").rows == []


@check
def of_two_writers_the_second_is_told_to_try_again(server):
    first = server.table("id INT PRIMARY KEY, n INT")
    first.run("INSERT INTO python_test VALUES (1, 0)")
    second = server.connect()
    for connection in (first, second):
        connection.run("BEGIN; SELECT n FROM python_test")
    try:
        first.run("UPDATE python_test SET n = 1")
        first.run("COMMIT")
        with raises("40001"):
            second.run("UPDATE python_test SET n = 2")
            second.run("COMMIT")
    finally:
        second.script("ROLLBACK")
    assert first.run("SELECT n FROM python_test").rows == [(1,)]


@check
def copies_load_all_or_nothing(server):
    connection = server.table("id INT PRIMARY KEY, name TEXT, v VECTOR(2)")
    rows = [(i, None if i % 7 == 0 else f"name {i}", [i / 2, 1.0]) for i in range(5000)]
    assert connection.copy_in("python_test", [], rows) == 5000
    out = connection.copy_out("python_test")
    assert (sorted(out.rows), out.tag) == (rows, "COPY 5000")
    assert connection.copy_in("python_test", ["name", "id"], [("reordered", 9000)]) == 1
    out = connection.copy_out("SELECT name FROM python_test WHERE id >= 4999 ORDER BY id", True)
    assert out.rows == [("name 4999",), ("reordered",)]
    with raises("23505"):
        connection.copy_in("python_test", ["id"], [(i,) for i in range(6000, 8000)] + [(1,)])
    with raises("57014"):
        connection.copy_in("python_test", ["id"], [(6000,)], fail="changed my mind")
    with raises("42P01"):
        connection.copy_in("no_such_table", [], [])
    with raises("42P01"):
        connection.copy_out("no_such_table")
    with raises("42703"):
        connection.copy_in("python_test", ["no_such_column"], [])
    assert connection.query("SELECT count(*) FROM python_test").rows == [(5001,)]


@check
def pings_are_answered_during_a_copy_and_others_fail_it(server):
    connection = server.table("id INT")
    begin = frame(spg.COPY_IN, string("python_test") + struct.pack("<H", 0))
    connection.send(begin + frame(spg.PING, struct.pack("<Q", 3)) + frame(spg.SYNC))
    connection.expect(spg.COPY_IN_READY)
    assert connection.expect(spg.PONG).u64() == 3
    with raises("08P01"):
        connection.expect_synced(spg.COMMAND_COMPLETE)
    connection.send(frame(spg.COPY_DONE) + frame(spg.SYNC))
    with raises("08P01"):
        connection.expect_synced(spg.COMMAND_COMPLETE)
    connection.ping()


@check
def a_statement_is_cancelled(server):
    connection = server.table("id INT")
    connection.copy_in("python_test", [], [(i,) for i in range(2000)])
    connection.cancel()
    assert connection.query("SELECT count(*) FROM python_test").rows == [(2000,)]
    sources = "python_test a, python_test b, python_test c, python_test d"
    long = f"SELECT count(*) FROM {sources} WHERE a.id + b.id + c.id + d.id < 0"
    connection.send(frame(spg.QUERY, string(long)))
    # A cancel that comes before the statement does nothing, so ask again until the answer is there.
    for _ in range(600):
        connection.cancel()
        if connection.is_readable(0.1):
            break
    (error,) = connection.read_script()
    assert error.sqlstate == "57014", error
    assert connection.query("SELECT 1").rows == [(1,)]


@check
def broken_contents_are_errors_of_their_message(server):
    connection = server.connect()
    for text in (b"SELECT '\xff'", b"SELECT '\0'"):
        connection.send(frame(spg.QUERY, struct.pack("<I", len(text)) + text))
        with raises("22021"):
            connection.expect_synced(spg.COMMAND_COMPLETE)
    statement = connection.prepare("SELECT $1 + 1", [spg.INT4])
    for oid, data, sqlstate in ((spg.INT4, b"abc", "22P03"), (999999, b"abc", "42704")):
        bind = struct.pack("<IHII", statement.id, 1, oid, len(data)) + data
        connection.send(frame(spg.BIND, bind) + frame(spg.EXECUTE) + frame(spg.SYNC))
        with raises(sqlstate):
            connection.read_synced([])
    connection.ping()


@check
def broken_frames_end_the_connection(server):
    count = struct.pack("<IH", 1, 65535)
    for broken in (
        struct.pack("<I", 0),
        struct.pack("<IB", (64 << 20) + 1, spg.QUERY),
        frame(0x7F),
        frame(spg.READY),
        frame(spg.SYNC, b"more"),
        frame(spg.BIND, count),
        frame(spg.HELLO, struct.pack("<HH", spg.VERSION, 0)),
    ):
        connection = server.connect()
        connection.send(broken)
        with raises("08P01", spg.FATAL):
            connection.expect(spg.READY)
        try:
            connection.receive()
            raise AssertionError("the connection goes on")
        except (ConnectionLost, ConnectionResetError):
            pass


@check
def strangers_are_turned_away(server):
    for first in (b"GET / HTTP/1.1\r\n\r\n", frame(spg.PING, b"12345678"), struct.pack("<IB", 65537, spg.HELLO)):
        with socket.create_connection((server.host, server.port), 60.0) as stranger:
            stranger.sendall(first)
            data = b""
            with contextlib.suppress(ConnectionResetError):
                while part := stranger.recv(4096):
                    data += part
            assert len(data) > 5 and data[4] == spg.ERROR_RESPONSE and data[6:11] == b"08P01", data
    version = frame(spg.HELLO, struct.pack("<HH", 0x0200, 0))
    with socket.create_connection((server.host, server.port), 60.0) as stranger:
        stranger.sendall(version)
        assert stranger.recv(4096)[6:11] == b"08P01"


def run(host, port):
    """Runs all checks; 0 if all hold."""
    server, failures = Server(host, port), 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function(server)
            print(f"ok      {name}")
        except Exception:  # any failure is reported, and the other checks still run
            failures += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}")
        finally:
            server.close()
    with contextlib.suppress(OSError, SpgError):
        connection = server.connect()
        connection.run("DROP TABLE IF EXISTS python_test")
        connection.close()
    print(f"{len(CHECKS) - failures} of {len(CHECKS)} checks hold")
    return 1 if failures else 0
