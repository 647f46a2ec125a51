#!/usr/bin/env python3
"""Files stay under 500 lines and functions under 70 (tests: files only). Generated files are exempt.

Functions of C and C++ are found by their braces, which is good enough to measure them; clang-tidy measures them again, by
its own rules.
"""
import ast
import re

import tree

MAX_FILE = 500
MAX_FUNCTION = 70
FOLDERS = ("src", "bin", "fuzz", "tests", "bench", "tools", "guests", "native", "cmake", "examples")
SUFFIXES = {".h", ".cc", ".c", ".rs", ".go", ".py", ".sh", ".txt", ".cmake"}

# Comments, raw strings, strings and characters (not the ' inside a number): none of their braces counts.
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
CONTAINER = re.compile(r'\b(namespace|class|struct|union|enum|extern)\b')


def without_noise(text):
    return NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def opens_function(head):
    """Is what stands before a brace the head of a function? Parameters in a class head (alignas(64)) are not."""
    return "(" in head and not CONTAINER.search(head.split("(", 1)[0]) and "#define" not in head


def brace_functions(text):
    """(line, lines) of every function body that is not inside another one."""
    text = without_noise(text)
    depth_of_function = None
    depth = line = 0
    head_from = start = 0
    for match in re.finditer(r"[{};\n]", text):
        token = match.group()
        if token == "\n":
            line += 1
            continue
        if token == "{":
            if depth_of_function is None and opens_function(text[head_from:match.start()]):
                depth_of_function, start = depth, line
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == depth_of_function:
                yield start + 1, line - start + 1
                depth_of_function = None
        head_from = match.end()


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check(root):
    findings = []
    finders = {".h": brace_functions, ".cc": brace_functions, ".c": brace_functions, ".py": python_functions}
    for path in tree.files(root, *FOLDERS, suffixes=SUFFIXES):
        text = tree.text_of(path)
        if tree.is_generated(text):
            continue
        name = path.relative_to(root)
        if (lines := text.count("\n")) > MAX_FILE:
            findings.append(f"{name}:1: {lines} lines, {MAX_FILE} is the limit: one idea per file")
        if tree.is_test(root, path):
            continue
        for line, lines in finders.get(path.suffix, lambda _: ())(text):
            if lines > MAX_FUNCTION:
                findings.append(f"{name}:{line}: a function of {lines} lines, {MAX_FUNCTION} is the limit")
    return findings


if __name__ == "__main__":
    tree.main(check)
