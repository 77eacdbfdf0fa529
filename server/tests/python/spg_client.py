#!/usr/bin/env python3
"""A client of SPG written from PROTOCOL.md alone, with Python's standard library alone.

    python3 spg_client.py HOST:PORT     runs a self-test against a server; exit status 0 if all of it holds

Frames are [u32 length][u8 opcode][payload], little-endian; section numbers below are the page's.
"""

import select
import socket
import struct
import sys

# Section 3: opcodes of clients, then of servers.
HELLO, CANCEL, PING, TERMINATE, STATS = 0x01, 0x02, 0x03, 0x04, 0x05
QUERY, PARSE, BIND, EXECUTE, CLOSE, SYNC, ADMIN = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16
COPY_IN, COPY_OUT, COPY_DATA, COPY_DONE, COPY_FAIL = 0x20, 0x21, 0x22, 0x23, 0x24
HELLO_OK, CANCEL_DONE, PONG, STATS_REPLY, PARAMETER_STATUS = 0x81, 0x82, 0x83, 0x85, 0x86
ERROR_RESPONSE, NOTICE_RESPONSE, READY = 0x87, 0x88, 0x89
ROW_DESCRIPTION, PARSE_COMPLETE, DATA_ROW, COMMAND_COMPLETE = 0x90, 0x91, 0x92, 0x93
CLOSE_COMPLETE, EMPTY_QUERY = 0x94, 0x95
COPY_IN_READY, COPY_OUT_READY, COPY_ROWS, COPY_END = 0xA0, 0xA1, 0xA2, 0xA3

# Section 2: type OIDs.
BOOL, INT8, INT2, INT4, TEXT, FLOAT4, FLOAT8 = 16, 20, 21, 23, 25, 700, 701
UNKNOWN, VARCHAR, VECTOR = 705, 1043, 16388
NUMBERS = {INT2: "<h", INT4: "<i", INT8: "<q", FLOAT4: "<f", FLOAT8: "<d"}
TEXTS = (TEXT, VARCHAR, UNKNOWN)

SERVER_FRAME_LENGTH_MAX = 288 << 20
VERSION = 0x0101
FATAL = 2


class SpgError(Exception):
    """An ErrorResponse: its fields as attributes, those that are missing None."""

    FIELDS = ("detail", "hint", "context", "schema", "table", "column", "datatype", "constraint")

    def __init__(self, reader):
        self.severity = reader.u8()
        self.sqlstate = reader.take(5).decode("ascii")
        self.position = reader.u32() or None
        self.message = reader.string()
        for field in self.FIELDS:
            setattr(self, field, reader.optional_string())
        super().__init__(f"{self.sqlstate}: {self.message}")


class ProtocolError(Exception):
    """The server broke the protocol: 08P01."""


class ConnectionLost(Exception):
    """The stream ended: 08006."""


class Reader:
    """Reads the fields of one payload."""

    def __init__(self, payload):
        self.payload = payload
        self.place = 0

    def take(self, length):
        end = self.place + length
        if length < 0 or end > len(self.payload):
            raise ProtocolError("a message ends inside a field")
        part = self.payload[self.place : end]
        self.place = end
        return part

    def number(self, code, length):
        return struct.unpack(code, self.take(length))[0]

    def u8(self):
        return self.number("<B", 1)

    def u16(self):
        return self.number("<H", 2)

    def u32(self):
        return self.number("<I", 4)

    def u64(self):
        return self.number("<Q", 8)

    def i32(self):
        return self.number("<i", 4)

    def string(self):
        return self.take(self.u32()).decode("utf-8")

    def optional_string(self):
        length = self.u32()
        return None if length == 0xFFFFFFFF else self.take(length).decode("utf-8")

    def value(self):
        length = self.i32()
        return None if length == -1 else self.take(length)

    def row(self):
        return [self.value() for _ in range(self.u16())]

    def pairs(self):
        return [(self.string(), self.string()) for _ in range(self.u16())]

    def columns(self):
        return [(self.string(), self.u32(), self.i32()) for _ in range(self.u16())]

    def receipt(self):
        """(commit, sequence, hash), the latter two None without an audit head; None if nothing was committed."""
        left = len(self.payload) - self.place
        if left == 0:
            return None
        return (self.u64(), *((self.u64(), self.take(32)) if left > 8 else (None, None)))

    def finish(self):
        if self.place != len(self.payload):
            raise ProtocolError("bytes behind the last field of a message")


def string(text):
    data = text.encode("utf-8")
    return struct.pack("<I", len(data)) + data


def frame(opcode, payload=b""):
    return struct.pack("<IB", len(payload) + 1, opcode) + payload


def decode(type_oid, data):
    """The Python value of a value's bytes."""
    if data is None:
        return None
    if type_oid in NUMBERS:
        return struct.unpack(NUMBERS[type_oid], data)[0]
    if type_oid == BOOL:
        return {b"\0": False, b"\1": True}[bytes(data)]
    if type_oid in TEXTS:
        return bytes(data).decode("utf-8")
    if type_oid == VECTOR:
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    return bytes(data)


def encode(type_oid, value):
    """A value as the wire has it: its length and its bytes."""
    if value is None:
        return struct.pack("<i", -1)
    if type_oid in NUMBERS:
        data = struct.pack(NUMBERS[type_oid], value)
    elif type_oid == BOOL:
        data = b"\1" if value else b"\0"
    elif type_oid == VECTOR:
        data = struct.pack(f"<{len(value)}f", *value)
    else:
        data = value.encode("utf-8")
    return struct.pack("<i", len(data)) + data


def type_of(value):
    """The type a Python value is sent as; the server converts it to the parameter's."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT8
    if isinstance(value, float):
        return FLOAT8
    if isinstance(value, (list, tuple)):
        return VECTOR
    return TEXT


class Result:
    """What one statement answered."""

    def __init__(self, columns=()):
        self.columns = list(columns)
        self.rows = []
        self.tag = None
        self.count = 0
        self.receipt = None

    def complete(self, reader):
        self.count, self.tag, self.receipt = reader.u64(), reader.string(), reader.receipt()
        reader.finish()

    def add(self, values):
        if len(values) != len(self.columns):
            raise ProtocolError("a row with another number of values than columns")
        self.rows.append(tuple(decode(c[1], value) for c, value in zip(self.columns, values)))


class Statement:
    """A prepared statement."""

    def __init__(self, statement_id, parameter_types, columns):
        self.id, self.parameter_types, self.columns = statement_id, parameter_types, columns


class Connection:
    """A connection to a server."""

    def __init__(self, host, port, timeout=60.0, **options):
        self.address = (host, port)
        self.socket = socket.create_connection(self.address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inbox = bytearray()
        self.notices = []
        self.parameters = {}
        self.status = None
        self.last_statement_id = 0
        pairs = b"".join(string(key) + string(value) for key, value in options.items())
        self.send(frame(HELLO, struct.pack("<HH", VERSION, len(options)) + pairs))
        reader = self.expect(HELLO_OK)
        self.version = reader.u16()
        if self.version >> 8 != VERSION >> 8:
            raise ProtocolError("another major version")
        self.database_uuid = bytes(reader.take(16))
        self.session_id = reader.u64()
        self.secret = bytes(reader.take(16))
        self.parameters.update(reader.pairs())
        reader.finish()
        self.expect_ready()

    # Frames

    def send(self, data):
        self.socket.sendall(data)

    def arrive(self, length):
        while len(self.inbox) < length:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionLost("the server closed the connection")
            self.inbox += data

    def receive_any(self):
        """The next frame: opcode and reader."""
        self.arrive(4)
        (length,) = struct.unpack_from("<I", self.inbox)
        if not 1 <= length <= SERVER_FRAME_LENGTH_MAX:
            raise ProtocolError(f"a frame of {length} bytes")
        self.arrive(4 + length)
        opcode, payload = self.inbox[4], bytes(self.inbox[5 : 4 + length])
        del self.inbox[: 4 + length]
        return opcode, Reader(payload)

    def receive(self):
        """The next frame that is no notice and no changed setting (section 7)."""
        while True:
            opcode, reader = self.receive_any()
            if opcode == NOTICE_RESPONSE:
                self.notices.append(SpgError(reader))
            elif opcode == PARAMETER_STATUS:
                self.parameters[reader.string()] = reader.string()
            else:
                return opcode, reader

    def expect(self, wanted):
        """The reader of the next frame, which must have this opcode or be an error; an error is raised."""
        opcode, reader = self.receive()
        if opcode == ERROR_RESPONSE:
            raise SpgError(reader)
        if opcode != wanted:
            raise ProtocolError(f"0x{opcode:02x} instead of 0x{wanted:02x}")
        return reader

    def expect_ready(self):
        self.status = chr(self.expect(READY).u8())
        if self.status not in "ITE":
            raise ProtocolError(f"status {self.status}")

    def expect_synced(self, wanted):
        """As expect; behind an error the Ready is read, too, unless the connection ends."""
        try:
            return self.expect(wanted)
        except SpgError as error:
            if error.severity != FATAL:
                self.expect_ready()
            raise

    # Scripts (section 5)

    def script(self, text):
        """Runs a script: a Result or an SpgError for each statement."""
        self.send(frame(QUERY, string(text)))
        return self.read_script()

    def read_script(self):
        answers, result = [], Result()
        while True:
            opcode, reader = self.receive()
            if opcode == ROW_DESCRIPTION:
                result = Result(reader.columns())
            elif opcode == DATA_ROW:
                result.add(reader.row())
            elif opcode == COMMAND_COMPLETE:
                result.complete(reader)
                answers.append(result)
                result = Result()
            elif opcode == EMPTY_QUERY:
                answers.append(Result())
            elif opcode == ERROR_RESPONSE:
                error = SpgError(reader)
                if error.severity == FATAL:
                    raise error
                answers.append(error)
                result = Result()
            elif opcode == READY:
                self.status = chr(reader.u8())
                return answers
            else:
                raise ProtocolError(f"0x{opcode:02x} in the answer of a script")
            reader.finish()

    def administer(self, verb, **options):
        """A task of the operator's (section 14)."""
        pairs = b"".join(string(key) + string(value) for key, value in options.items())
        self.send(frame(ADMIN, string(verb) + struct.pack("<H", len(options)) + pairs))
        (answer,) = self.read_script()
        if isinstance(answer, SpgError):
            raise answer
        return answer

    def run(self, text):
        """Runs a script; raises its first error."""
        answers = self.script(text)
        for answer in answers:
            if isinstance(answer, SpgError):
                raise answer
        return answers[-1]

    # Prepared statements (section 6)

    def prepare(self, text, types=()):
        self.last_statement_id += 1
        self.send(self.parse_frame(self.last_statement_id, text, types) + frame(SYNC))
        statement = self.read_parse(self.expect_synced(PARSE_COMPLETE))
        self.expect_ready()
        return statement

    @staticmethod
    def parse_frame(statement_id, text, types=()):
        oids = struct.pack(f"<H{len(types)}I", len(types), *types)
        return frame(PARSE, struct.pack("<I", statement_id) + string(text) + oids)

    @staticmethod
    def bind_frame(statement_id, values, types=None):
        types = types or [type_of(value) for value in values]
        parameters = b"".join(struct.pack("<I", t) + encode(t, v) for t, v in zip(types, values))
        return frame(BIND, struct.pack("<IH", statement_id, len(values)) + parameters)

    @staticmethod
    def read_parse(reader):
        statement_id = reader.u32()
        types = [reader.u32() for _ in range(reader.u16())]
        statement = Statement(statement_id, types, reader.columns())
        reader.finish()
        return statement

    def read_execution(self, columns):
        """Reads [RowDescription] DataRow* CommandComplete, or EmptyQuery."""
        result = Result(columns)
        while True:
            opcode, reader = self.receive()
            if opcode == ROW_DESCRIPTION and not columns and not result.rows:
                result.columns = reader.columns()
            elif opcode == DATA_ROW:
                result.add(reader.row())
            elif opcode == COMMAND_COMPLETE:
                result.complete(reader)
            elif opcode == ERROR_RESPONSE:
                raise SpgError(reader)
            elif opcode != EMPTY_QUERY:
                raise ProtocolError(f"0x{opcode:02x} in the answer of an execution")
            reader.finish()
            if opcode in (COMMAND_COMPLETE, EMPTY_QUERY):
                return result

    def execute(self, statement, *values, types=None):
        """Runs a prepared statement."""
        bind = self.bind_frame(statement.id, values, types)
        self.send(bind + frame(EXECUTE) + frame(SYNC))
        return self.read_synced(statement.columns)

    def read_synced(self, columns):
        try:
            result = self.read_execution(columns)
        except SpgError as error:
            if error.severity != FATAL:
                self.expect_ready()
            raise
        self.expect_ready()
        return result

    def query(self, text, *values, types=None):
        """Prepares and runs one statement in one round trip."""
        frames = self.parse_frame(0, text) + self.bind_frame(0, values, types)
        self.send(frames + frame(EXECUTE) + frame(SYNC))
        return self.read_synced(self.read_parse(self.expect_synced(PARSE_COMPLETE)).columns)

    def close_statement(self, statement):
        self.send(frame(CLOSE, struct.pack("<I", statement.id)) + frame(SYNC))
        self.expect_synced(CLOSE_COMPLETE)
        self.expect_ready()

    def pipeline(self, executions):
        """Runs (statement, values) pairs in one write; a Result or SpgError for each. Keep it under 64 KiB (section 7)."""
        units = (
            self.bind_frame(statement.id, values) + frame(EXECUTE) + frame(SYNC)
            for statement, values in executions
        )
        self.send(b"".join(units))
        answers = []
        for statement, _ in executions:
            try:
                answers.append(self.read_synced(statement.columns))
            except SpgError as error:
                answers.append(error)
        return answers

    # Copies (section 8)

    def copy_in(self, table, columns, rows, fail=None):
        """Loads rows; their number. With `fail`, gives up with that reason after them."""
        names = b"".join(string(column) for column in columns)
        self.send(frame(COPY_IN, string(table) + struct.pack("<H", len(columns)) + names))
        try:
            described = self.expect(COPY_IN_READY).columns()
        except SpgError:
            self.send(frame(SYNC))
            self.expect_ready()
            raise
        for start in range(0, len(rows), 500):
            part = rows[start : start + 500]
            data = b"".join(
                struct.pack("<H", len(row))
                + b"".join(encode(column[1], value) for column, value in zip(described, row))
                for row in part
            )
            self.send(frame(COPY_DATA, struct.pack("<I", len(part)) + data))
        end = frame(COPY_DONE) if fail is None else frame(COPY_FAIL, string(fail))
        self.send(end + frame(SYNC))
        reader = self.expect_synced(COMMAND_COMPLETE)
        count = reader.u64()
        self.expect_ready()
        return count

    def copy_out(self, source, is_query=False):
        self.send(frame(COPY_OUT, bytes([is_query]) + string(source)) + frame(SYNC))
        result = Result(self.expect_synced(COPY_OUT_READY).columns())
        while True:
            opcode, reader = self.receive()
            if opcode == COPY_ROWS:
                for _ in range(reader.u32()):
                    result.add(reader.row())
                reader.finish()
            elif opcode == COPY_END:
                break
            elif opcode == ERROR_RESPONSE:
                error = SpgError(reader)
                self.expect_ready()
                raise error
            else:
                raise ProtocolError(f"0x{opcode:02x} in a copy")
        result.complete(self.expect(COMMAND_COMPLETE))
        self.expect_ready()
        return result

    # Ping, Stats, Cancel, the end (sections 9 and 10)

    def ping(self, number=1):
        self.send(frame(PING, struct.pack("<Q", number)))
        if self.expect(PONG).u64() != number:
            raise ProtocolError("another number came back")

    def stats(self):
        self.send(frame(STATS))
        return dict(self.expect(STATS_REPLY).pairs())

    def cancel(self):
        """Cancels, over a connection of its own, what this one runs."""
        with socket.create_connection(self.address, 60.0) as other:
            other.sendall(frame(CANCEL, struct.pack("<Q", self.session_id) + self.secret))
            answer = b""
            while data := other.recv(64):
                answer += data
        if answer != frame(CANCEL_DONE):
            raise ProtocolError("a cancel was not answered by CancelDone")

    def is_readable(self, seconds):
        return bool(self.inbox) or bool(select.select([self.socket], [], [], seconds)[0])

    def close(self):
        self.send(frame(TERMINATE))
        self.socket.close()


def main():
    if len(sys.argv) != 2 or ":" not in sys.argv[1]:
        sys.exit("usage: spg_client.py HOST:PORT")
    # The self-test is a file of its own; no compiled copy of it shall stay beside the sources.
    sys.dont_write_bytecode = True
    import self_test

    host, _, port = sys.argv[1].rpartition(":")
    sys.exit(self_test.run(host, int(port)))


if __name__ == "__main__":
    main()
