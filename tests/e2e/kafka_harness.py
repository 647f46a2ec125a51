"""What the tests of Kafka targets share: a mock cluster in a process of its own, and kcat, which reads what is in it."""
import json
import os
import subprocess

from harness import ANY_PORT, SOURCE
from link_harness import Link, LinkCase

MOCK = os.environ.get("FISO_KAFKA_MOCK", str(SOURCE / "build/release/tests/e2e/kafka_mock_broker"))
PRODUCE, INIT_PRODUCER_ID = 0, 22
NOT_LEADER, NOT_ENOUGH_REPLICAS, TOPIC_AUTHORIZATION, CLUSTER_AUTHORIZATION, TOO_LARGE, DISCONNECT = 6, 19, 29, 31, 10, -195


class Cluster:
    def __init__(self):
        self.process = subprocess.Popen([MOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.bootstrap = self.process.stdout.readline().strip()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "ok", answer

    def create(self, topic, partitions=1):
        self.tell(f"create {topic} {partitions}")

    def fail(self, error, times=1, request=PRODUCE):
        self.tell(f"fail {request} {error} {times}")

    def records(self, topic):
        """All that is in a topic: key, payload, headers as a list of pairs."""
        done = subprocess.run(["kcat", "-C", "-b", self.bootstrap, "-t", topic, "-o", "beginning", "-e", "-J", "-u", "-q"],
                              capture_output=True, timeout=60, check=True)
        records = []
        for line in done.stdout.splitlines():
            record = json.loads(line)
            flat = record.get("headers", [])
            record["headers"] = list(zip(flat[::2], flat[1::2]))
            records.append(record)
        return records

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class KafkaCase(LinkCase):
    @staticmethod
    def kafka_yaml(bootstrap, *targets, more="", cluster=""):
        """Each target: (name, further lines of YAML below the target, further keys of its `kafka`)."""
        text = f"listenAddr: \"{ANY_PORT}\"\nmetricsAddr: \"{ANY_PORT}\"\n{more}kafka:\n  clusters:\n    main:\n      brokers: [\"{bootstrap}\"]\n{cluster}targets:\n"
        for name, lines, keys in targets:
            text += f"  - name: {name}\n    protocol: kafka\n    kafka: {{cluster: main, topic: t-{name}{', ' + keys if keys else ''}}}\n{lines}"
        return text

    def cluster(self, *topics):
        cluster = self.closing(Cluster())
        for topic in topics:
            cluster.create(topic)
        return cluster

    def kafka_link(self, bootstrap, *targets, more="", cluster="", **env):
        self.files = self.directory()
        self.files.write("link.yaml", self.kafka_yaml(bootstrap, *targets, more=more, cluster=cluster))
        return self.closing(Link(self.files, **env)).wait_ready()
