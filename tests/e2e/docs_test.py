#!/usr/bin/env python3
"""The documents say what the programs do: log messages, error texts, metrics, flags and defaults exist in the code."""
import json
import pathlib
import re
import tempfile
import unittest

from harness import FISO_FLOW, SOURCE, TestCase, environment, get, guest, main, post, run
from link_harness import FISO_LINK, FISO_WASMER_LINK, Certificate

DOCS = SOURCE / "docs"
LOG_CALL = re.compile(r'(?:(?<!report)\.(?:debug|info|warn|error)\(|_log_\.write\()\s*"((?:[^"\\]|\\.)*)"')


def sources():
    return {path: path.read_text() for path in sorted((SOURCE / "src").rglob("*.cc")) + sorted((SOURCE / "src").rglob("*.h"))
            if not path.stem.endswith("_test") and "testing" not in path.parts}


def literals():
    """All string literals of the code, adjacent ones joined, as one text."""
    text = "\n".join(sources().values())
    text = re.sub(r'"\s*\n?\s*"', "", text)
    return "\n".join(match.replace('\\"', '"') for match in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text))


def section(page, title):
    text = (DOCS / page).read_text()
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(table):
    for line in table.splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])


def pieces_of(text):
    """What of a text must stand in the code as it is: without placeholders, numbers, and what messages are put together at."""
    text = text.replace("No such file or directory", "").replace("expected text (", "")
    pieces = [piece.strip() for piece in re.split(r"\b[A-Z]{3,}\b|\d+\w*|[^\w ]+|found", text)]
    return [piece for piece in pieces if re.search(r"[a-z]{4}", piece)] or [text]


class LogMessages(unittest.TestCase):
    def setUp(self):
        self.documented = set(first_cells(section("operations.md", "Log messages")))
        self.written = {message for text in sources().values() for message in LOG_CALL.findall(text)}

    def test_every_documented_message_exists(self):
        self.assertEqual(self.documented - self.written, set())

    def test_every_message_is_documented(self):
        self.assertEqual(self.written - self.documented, set())


class Texts(unittest.TestCase):
    def test_every_heading_of_troubleshooting_is_a_text_of_the_code(self):
        known = literals()
        for heading in re.findall(r"^### (.+)$", (DOCS / "troubleshooting.md").read_text(), re.M):
            for text in re.findall(r"`([^`]+)`", heading):
                for piece in pieces_of(text):
                    self.assertTrue(piece in known, (heading, piece))

    def test_every_outcome_of_a_guest_is_a_text_of_the_code(self):
        known = literals()
        table = section("guests.md", "Limits, and every way a run can end")
        for line in table.splitlines():
            if not line.startswith("| ") or line.startswith("| outcome"):
                continue
            for text in re.findall(r"`([^`]+)`", line.split(" | ")[1]):
                self.assertIn(re.split(r"\d", text)[0].removesuffix("unreachable").strip(), known, line)


class Metrics(TestCase):
    ROW = re.compile(r"^\| `(\w+)` \| (\w+)(?:, fine)? \| (.*?) ?\| ", re.M)

    def setUp(self):
        self.rows = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in self.ROW.findall(section("metrics.md", "Series"))}

    def test_the_documented_series_are_those_of_the_code(self):
        written = {name for text in sources().values() for name in re.findall(r'"(fiso_(?:flow|wasm|config|http|app|link)_[a-z_]+)"', text)}
        self.assertEqual({name for name in self.rows if name.startswith("fiso_")}, written)

    def test_types_and_labels_are_those_of_a_running_process(self):
        flow = self.serve(module=guest("enrich"))
        self.assertEqual(post(flow.port(), "/orders", {}).status, 200)
        told = get(flow.admin_port, "/metrics").text
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", told, re.M):
            self.assertEqual(self.rows[name][0], kind, name)
        for name, labels in re.findall(r"^(\w+)\{(.*)\} ", told, re.M):
            _, known = self.rows.get(name) or self.rows[re.sub("_(?:bucket|sum|count)$", "", name)]
            self.assertLessEqual(set(re.findall(r'(\w+)="', labels)) - {"le"}, known, name)


class Security(unittest.TestCase):
    def test_every_promise_names_tests_that_exist(self):
        table = (SOURCE / "SECURITY.md").read_text().split("## Can a guest …?\n", 1)[1].split("\n## ", 1)[0]
        code = "\n".join(path.read_text() for path in (SOURCE / "src").rglob("*") if path.suffix in (".h", ".cc") and
                         (path.stem.endswith("_test") or "testing" in path.parts))
        rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| can a guest")]
        self.assertGreater(len(rows), 20)
        for row in rows:
            shown = row.split(" | ")[3]
            for file, name in re.findall(r"`(\w+): (test_\w+)`", shown):
                self.assertIn(f"def {name}(", (SOURCE / f"tests/e2e/{file}_test.py").read_text(), row)
            for suite, name in re.findall(r"`(\w+)\.(\w+)`", shown):
                self.assertRegex(code, rf"TEST(?:_F|_P)?\({suite}, {name}\)", row)
            self.assertTrue("`" in shown or "nothing prevents it" in shown, row)


class Keys(unittest.TestCase):
    LIMIT = re.compile("timeout|max|limit|queue|memory|threads|burst|poolsize|threshold|attempts|interval$|cpu$", re.I)
    REFERENCES = {"config": ("The process", "Ports", "Guests", "Flows", "Apps"), "apps": ("The process", "Ports", "Guests", "Apps"),
                  "link": ("The process", "Ports", "Guests", "Apps", "Targets"),
                  "aio": ("The process", "Ports", "Guests", "Flows", "Apps", "Targets")}

    def limits(self):
        """The keys of each table of limits."""
        tables = {}
        for table in section("operations.md", "Limits").split("\n### ")[1:]:
            rows = [line.split(" | ")[1] for line in table.splitlines() if line.startswith("| ") and not line.startswith("| limit")]
            tables[table.split("\n", 1)[0]] = {key for row in rows for key in re.findall(r"`([\w.]+)`", row)}
        return tables

    def keys(self, page):
        return re.findall(r"^\| `([^`]+)` \| [^|]", (DOCS / f"{page}-reference.md").read_text(), re.M)

    def test_every_key_in_the_tables_of_limits_exists(self):
        known = {key for page in self.REFERENCES for key in self.keys(page)}
        for table, keys in self.limits().items():
            for key in keys:
                self.assertTrue(any(other == key or other.endswith(f".{key}") for other in known), (table, key))

    def test_every_key_that_is_a_limit_is_in_a_table_of_limits(self):
        tables = self.limits()
        for page, titles in self.REFERENCES.items():
            listed = set().union(*(tables[title] for title in titles))
            for key in self.keys(page):
                last = key.rsplit(".", 1)[-1]
                if self.LIMIT.search(last) and last != "rateLimit":
                    self.assertTrue(any(key == other or key.endswith(f".{other}") for other in listed), (page, key))

    def test_flags_and_variables_are_those_of_the_program(self):
        said = run(FISO_FLOW, "-help").stdout.decode()
        table = section("operations.md", "Start")
        for word in set(re.findall(r"^\| `-([a-z-]+)` ", table, re.M)) | set(re.findall(r"FISO_[A-Z_]+", table)):
            self.assertIn(word, said)

    def test_examples_of_json_are_json(self):
        for page in DOCS.glob("*.md"):
            for block in re.findall(r"```json\n(.*?)```", page.read_text(), re.S):
                json.loads(block)


class Flows(unittest.TestCase):
    def test_complete_flows_in_the_documents_are_valid(self):
        for page in (SOURCE / "README.md", DOCS / "flow-guide.md", SOURCE / "examples/orders/flows/orders.yaml"):
            text = page.read_text()
            blocks = [text] if page.suffix == ".yaml" else re.findall(r"(?:```yaml\n|<<'YAML'\n)(name: .*?)(?:```|\nYAML)", text, re.S)
            self.assertTrue(blocks, page)
            for block in blocks:
                with tempfile.TemporaryDirectory() as folder:
                    with open(f"{folder}/flow.yaml", "w", encoding="utf-8") as file:
                        file.write(re.sub(r"module: .*", f"module: {guest('enrich')}", block) + "\n")  # the reader has it, we may not
                    ended = run(FISO_FLOW, "-config-dir", folder, "-check", env=environment(ORDERS_TOKEN="x"))
                    self.assertEqual(ended.returncode, 0, (page, ended.stderr))


class LinkFiles(unittest.TestCase):
    def test_link_files_in_the_guide_are_valid(self):
        blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "link-guide.md").read_text(), re.S)
        self.assertGreaterEqual(len(blocks), 3)
        for block in blocks:
            with tempfile.TemporaryDirectory() as folder:
                secret = pathlib.Path(folder, "secret")
                secret.write_text("s")
                certificate = Certificate(pathlib.Path(folder))
                text = block if re.search("^targets:", block, re.M) else "targets:\n  - name: api\n    host: api.example.com\n" + block
                text = re.sub(r"/run/secrets/[\w-]+", str(secret), text).replace("{mount: kubernetes}", f"{{tokenFile: {secret}}}")
                text = re.sub(r"/etc/[\w/-]+\.pem", str(certificate.file), text)
                text = re.sub(r"/etc/[\w/-]+\.key", str(certificate.key), text)
                text = re.sub(r"module: [^ ,}\n]+", f"module: {guest('enrich')}", text)
                if "app: request-interceptor" in text:
                    text += f"wasmer: {{apps: [{{name: request-interceptor, module: {guest('enrich')}}}]}}\n"
                pathlib.Path(folder, "link.yaml").write_text(text)
                ended = run(FISO_WASMER_LINK if "app" in text and "wasmer" in text else FISO_LINK, "-config", f"{folder}/link.yaml", "-check")
                self.assertEqual(ended.returncode, 0, (block, ended.stderr))


if __name__ == "__main__":
    main()
