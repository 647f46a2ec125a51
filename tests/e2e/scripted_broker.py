"""A Kafka broker as a script: TLS, SASL, and as much of the protocol as a producer needs. It is one broker with one partition of
every topic, and remembers who came and what was published. Versions are the oldest that librdkafka takes."""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
import threading

PRODUCE, FETCH, METADATA, HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID, AUTHENTICATE = 0, 1, 3, 17, 18, 22, 36
UNSUPPORTED_MECHANISM, UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 33, 35, 58
VERSIONS = {PRODUCE: (0, 3), FETCH: (0, 4), METADATA: (0, 1), HANDSHAKE: (0, 1), API_VERSIONS: (0, 0), INIT_PRODUCER_ID: (0, 0),
            AUTHENTICATE: (0, 0)}


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Reading:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def bytes(self, size):
        self.at += max(size, 0)
        return self.data[self.at - max(size, 0):self.at]

    def text(self):
        return self.bytes(self.take("h")).decode()


class Plain:
    def __init__(self, user, password):
        self.wanted = b"\0" + user.encode() + b"\0" + password.encode()

    def step(self, message):
        return b"" if message == self.wanted else None


class Scram:
    """RFC 5802, the server's side."""

    def __init__(self, user, password, digest):
        self.user, self.digest = user, digest
        self.salt = os.urandom(16)
        self.salted = hashlib.pbkdf2_hmac(digest, password.encode(), self.salt, 4096)
        self.first = None

    def mac(self, key, message):
        return hmac.new(key, message, self.digest).digest()

    def step(self, message):
        if self.first is None:
            bare = message.decode().removeprefix("n,,")
            fields = dict(part.split("=", 1) for part in bare.split(","))
            if fields["n"] != self.user:
                return None
            self.first = f"r={fields['r']}srv,s={base64.b64encode(self.salt).decode()},i=4096"
            self.said = bare
            return self.first.encode()
        without, proof = message.decode().rsplit(",p=", 1)
        signed = f"{self.said},{self.first},{without}".encode()
        client_key = self.mac(self.salted, b"Client Key")
        signature = self.mac(hashlib.new(self.digest, client_key).digest(), signed)
        if bytes(a ^ b for a, b in zip(client_key, signature)) != base64.b64decode(proof):
            return None
        return b"v=" + base64.b64encode(self.mac(self.mac(self.salted, b"Server Key"), signed))


class Bearer:
    def __init__(self, token):
        self.token, self.parts = token, []

    def step(self, message):
        self.parts = message.decode().split("\x01")
        return b"" if f"auth=Bearer {self.token}" in self.parts else None


class Broker:
    """`authenticators`: by mechanism, what makes the other side of one conversation. None: nobody is asked."""

    def __init__(self, authenticators=None, context=None):
        self.authenticators, self.context = authenticators, context
        self.mechanisms, self.refused, self.produced, self.peers, self.conversations = [], 0, [], [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.peers.append(connection.getpeercert())
            with connection:
                self._converse(connection)
        except (OSError, ssl.SSLError, struct.error):
            pass

    def _converse(self, connection):
        known, speaker = self.authenticators is None, None
        reader = connection.makefile("rb")
        while head := reader.read(4):
            asked = Reading(reader.read(struct.unpack(">i", head)[0]))
            api, version, number = asked.take("hhi")
            asked.text()  # of the client
            if api == HANDSHAKE:
                mechanism = asked.text()
                self.mechanisms.append(mechanism)
                offered = self.authenticators or {}
                if mechanism in offered:
                    speaker = offered[mechanism]()
                    self.conversations.append(speaker)
                answer = struct.pack(">hi", 0 if speaker else UNSUPPORTED_MECHANISM, len(offered)) + b"".join(map(text, offered))
            elif api == AUTHENTICATE:
                said = speaker.step(asked.bytes(asked.take("i")))
                if said is None:
                    self.refused += 1
                    answer = struct.pack(">h", AUTHENTICATION_FAILED) + text("Authentication failed") + struct.pack(">i", 0)
                else:
                    known = known or not isinstance(speaker, Scram) or said.startswith(b"v=")
                    answer = struct.pack(">hhi", 0, -1, len(said)) + said
            elif api == API_VERSIONS:
                answer = self._versions(version)
            elif not known:
                return  # a broker that wants SASL closes
            else:
                answer = {METADATA: self._metadata, INIT_PRODUCER_ID: self._producer_id, PRODUCE: self._produce}[api](asked)
            connection.sendall(struct.pack(">ii", len(answer) + 4, number) + answer)

    @staticmethod
    def _versions(version):
        listed = b"".join(struct.pack(">hhh", api, *known) for api, known in VERSIONS.items())
        return struct.pack(">hi", 0 if version == 0 else UNSUPPORTED_VERSION, len(VERSIONS)) + listed

    def _metadata(self, asked):
        count = asked.take("i")
        topics = [asked.text() for _ in range(count)]
        answer = struct.pack(">ii", 1, 1) + text("127.0.0.1") + struct.pack(">ihi", self.port, -1, 1) + struct.pack(">i", len(topics))
        for topic in topics:
            answer += struct.pack(">h", 0) + text(topic) + struct.pack(">bi", 0, 1) + struct.pack(">hii", 0, 0, 1) + struct.pack(">iiii", 1, 1, 1, 1)
        return answer

    @staticmethod
    def _producer_id(_):
        return struct.pack(">ihqh", 0, 0, 4711, 0)

    def _produce(self, asked):
        asked.text()
        asked.take("hi")
        answer = struct.pack(">i", 1)
        assert asked.take("i") == 1
        topic = asked.text()
        assert asked.take("i") == 1
        partition, size = asked.take("ii")
        with self._lock:
            offset = len(self.produced)
            self.produced.append((topic, asked.bytes(size)))
        return answer + text(topic) + struct.pack(">iihqq", 1, partition, 0, offset, -1) + struct.pack(">i", 0)

    def close(self):
        self._listener.close()
