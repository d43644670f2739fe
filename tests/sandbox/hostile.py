"""Programs that try to do harm, by kind. Each defines `solution()` or ends before it could.

Names in capitals between @ signs stand for things outside that the test sets up: @SECRET@ a readable file
with a secret, @FOLDER@ a writable folder, @PORT@ a listening TCP port of this machine, @SOCKET@ a listening
Unix socket, @VICTIM@ the pid of a process of the same user, @HOST@ the pid of the process that holds the
sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """One program: what it tries, and its text."""

    kind: str
    name: str
    code: str


def _solution(*lines: str, before: str = "") -> str:
    return before + "def solution():\n" + "".join(f"    {line}\n" for line in lines)


_FILES = {
    "read secret": _solution("return open('@SECRET@').read()"),
    "read secret by pathlib": _solution("import pathlib", "return pathlib.Path('@SECRET@').read_text()"),
    "read secret by os": _solution("import os", "fd = os.open('@SECRET@', 0)", "return os.read(fd, 99).decode()"),
    "read secret by io": _solution("import io", "return io.open('@SECRET@').read()"),
    "read secret by codecs": _solution("import codecs", "return codecs.open('@SECRET@').read()"),
    "read secret by fileinput": _solution("import fileinput", "return list(fileinput.input('@SECRET@'))"),
    "read secret by linecache": _solution("import linecache", "return linecache.getlines('@SECRET@')"),
    "read secret by numpy": _solution("import numpy", "return str(numpy.fromfile('@SECRET@', dtype='u1'))"),
    "read secret by memory map": _solution(
        "import mmap, os", "fd = os.open('@SECRET@', 0)", "return mmap.mmap(fd, 0, prot=1).read().decode()"
    ),
    "read secret through /proc": _solution("return open('/proc/@HOST@/root@SECRET@').read()"),
    "read password file": _solution("return open('/etc/passwd').read()"),
    "read a device": _solution("return len(open('/dev/zero', 'rb').read(10))"),
    "read own binary": _solution("import sys", "return len(open(sys.executable, 'rb').read())"),
    "list a folder": _solution("import os", "return str(os.listdir('@FOLDER@'))"),
    "list the root": _solution("import os", "return len(os.listdir('/'))"),
    "walk the disk": _solution("import os", "return sum(len(files) for _, _, files in os.walk('/'))"),
    "glob": _solution("import glob", "return str(glob.glob('@FOLDER@/*'))"),
    "stat a file": _solution("import os", "return os.stat('@SECRET@').st_size"),
    "follow a link up": _solution("return open('../../../../../..@SECRET@').read()"),
    "write a file": _solution("open('@FOLDER@/written', 'w').write('x')", "return 1"),
    "write and swallow": _solution(
        "try:", "    open('@FOLDER@/w', 'w').write('x')", "except BaseException:", "    pass"
    ),
    "append to secret": _solution("open('@SECRET@', 'a').write('x')", "return 1"),
    "remove a file": _solution("import os", "os.remove('@SECRET@')", "return 1"),
    "rename a file": _solution("import os", "os.rename('@SECRET@', '@FOLDER@/gone')", "return 1"),
    "change a mode": _solution("import os", "os.chmod('@SECRET@', 0o777)", "return 1"),
    "make a folder": _solution("import os", "os.mkdir('@FOLDER@/made')", "return 1"),
    "make a link": _solution("import os", "os.symlink('/etc/passwd', '@FOLDER@/link')", "return 1"),
    "make a device": _solution("import os", "os.mkfifo('@FOLDER@/fifo')", "return 1"),
    "remove a tree": _solution("import shutil", "shutil.rmtree('@FOLDER@')", "return 1"),
    "temporary file": _solution("import tempfile", "return tempfile.mkstemp(dir='@FOLDER@')[1]"),
    "save by numpy": _solution("import numpy", "numpy.save('@FOLDER@/array', numpy.ones(3))", "return 1"),
    "pickle to a file": _solution("import pickle", "pickle.dump(1, open('@FOLDER@/p', 'wb'))", "return 1"),
    "memory file": _solution("import os", "return os.memfd_create('x')"),
    "change folder": _solution("import os", "os.chdir('@FOLDER@')", "open('here', 'w').close()", "return 1"),
    "change root": _solution("import os", "os.chroot('@FOLDER@')", "return 1"),
}

_DISK = {
    "fill the disk": _solution("with open('@FOLDER@/big', 'wb') as f:", "    while True: f.write(b'x' * 2**20)"),
    "allocate on disk": _solution(
        "import os", "fd = os.open('@FOLDER@/big', 66)", "os.posix_fallocate(fd, 0, 2**33)", "return 1"
    ),
    "shared memory": _solution(
        "from multiprocessing import shared_memory as s",
        "return s.SharedMemory(create=True, size=2**28).name",
    ),
    "fill /dev/shm": _solution("open('/dev/shm/@HOST@', 'wb').write(b'x' * 2**26)", "return 1"),
}

_SECRETS = {
    "read environment": _solution("import os", "return str(dict(os.environ))"),
    "read environment of host": _solution("return open('/proc/@HOST@/environ').read()"),
    "read own environment": _solution("return open('/proc/self/environ').read()"),
    "getenv": _solution("import os", "return os.getenv('PAD_RAY_SANDBOX_SECRET')"),
    "getenv through libc": _solution(
        "import ctypes", "f = ctypes.CDLL(None).getenv", "f.restype = ctypes.c_char_p",
        "return str(f(b'PAD_RAY_SANDBOX_SECRET'))",
    ),
    "command line of host": _solution("return open('/proc/@HOST@/cmdline').read()"),
    "own arguments": _solution("import sys", "return str(sys.argv) + str(sys.orig_argv)"),
    "search own memory": _solution(
        "import gc", "return str([o for o in gc.get_objects() if isinstance(o, dict) and 'SECRET' in str(o)])[:900]"
    ),
    "environment of libc": _solution(
        "import ctypes", "e = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')", "return str(e[0])"
    ),
}  # fmt: skip

_NETWORK = {
    "connect": _solution("import socket", "socket.create_connection(('127.0.0.1', @PORT@)).send(b'x')", "return 1"),
    "connect by _socket": _solution(
        "import _socket", "s = _socket.socket(2, 1)", "s.connect(('127.0.0.1', @PORT@))", "return 1"
    ),
    "connect to a Unix socket": _solution("import socket", "socket.socket(1, 1).connect('@SOCKET@')", "return 1"),
    "connect through urllib": _solution(
        "import urllib.request", "return urllib.request.urlopen('http://127.0.0.1:@PORT@').read().decode()"
    ),
    "send a datagram": _solution("import socket", "return socket.socket(2, 2).sendto(b'x', ('127.0.0.1', @PORT@))"),
    "listen": _solution("import socket", "s = socket.socket()", "s.bind(('0.0.0.0', 0))", "s.listen()", "return 1"),
    "resolve a name": _solution("import socket", "return socket.gethostbyname('localhost')"),
    "raw socket": _solution("import socket", "return socket.socket(2, 3, 1).fileno()"),
    "netlink": _solution("import socket", "return socket.socket(16, 3, 0).fileno()"),
    "asyncio": _solution(
        "import asyncio",
        "async def f(): return await asyncio.open_connection('127.0.0.1', @PORT@)",
        "return str(asyncio.run(f()))",
    ),
    "socket from the libc": _solution(
        "import ctypes", "c = ctypes.CDLL(None)", "return 1 if c.socket(2, 1, 0) >= 0 else 1/0"
    ),
}

_PROCESSES = {
    "system": _solution("import os", "return os.system('touch @FOLDER@/system')"),
    "popen": _solution("import os", "return os.popen('cat @SECRET@').read()"),
    "subprocess": _solution("import subprocess", "return subprocess.check_output(['cat', '@SECRET@']).decode()"),
    "spawn": _solution("import os", "return os.spawnv(0, '/bin/touch', ['touch', '@FOLDER@/spawn'])"),
    "posix_spawn": _solution("import os", "return os.posix_spawn('/bin/touch', ['touch', '@FOLDER@/s'], {})"),
    "posix_spawn by posix": _solution(
        "import posix", "return posix.posix_spawn('/bin/touch', ['t', '@FOLDER@/s'], {})"
    ),
    "exec": _solution("import os", "os.execv('/bin/sh', ['sh', '-c', 'touch @FOLDER@/exec'])"),
    "fork": _solution("import os", "return os.fork()"),
    "orphan": _solution("import os, time", "if os.fork() == 0:", "    os.setsid()", "    time.sleep(60)", "return 1"),
    "fork bomb": _solution("import os", "while True: os.fork()"),
    "thread bomb": _solution(
        "import threading, time",
        "for _ in range(10000): threading.Thread(target=time.sleep, args=(9,)).start()",
    ),
    "one thread": _solution("import _thread", "return _thread.start_new_thread(print, ())"),
    "multiprocessing": _solution("import multiprocessing", "return multiprocessing.Pool(2).map(abs, [1])"),
    "executor": _solution("from concurrent.futures import ProcessPoolExecutor as P", "return list(P(2).map(abs, [1]))"),
    "system by libc": _solution("import ctypes", "return ctypes.CDLL(None).system(b'touch @FOLDER@/libc')"),
    "load a library": _solution("import ctypes", "return ctypes.CDLL('libc.so.6').getpid()"),
    "own priority": _solution("import os", "return os.setpriority(0, 0, -20)"),
    "become root": _solution("import os", "os.setuid(0)", "return 1"),
    "leave the namespace": _solution(
        "import ctypes", "return 1 if ctypes.CDLL(None).unshare(0x10000000) == 0 else 1/0"
    ),
    "mount": _solution("import ctypes", "return ctypes.CDLL(None).mount(b'none', b'@FOLDER@', b'tmpfs', 0, None)"),
    "raise own limits": _solution(
        "import resource", "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", "return len('x' * 2**31)"
    ),
}

_SIGNALS = {
    "kill host": _solution("import os", "os.kill(@HOST@, 9)", "return 1"),
    "kill victim": _solution("import os", "os.kill(@VICTIM@, 9)", "return 1"),
    "kill parent": _solution("import os", "os.kill(os.getppid(), 9)", "return 1"),
    "kill group": _solution("import os", "os.killpg(0, 9)", "return 1"),
    "kill everything": _solution("import os", "os.kill(-1, 9)", "return 1"),
    "kill init of the namespace": _solution("import os", "os.kill(1, 9)", "return 1"),
    "kill self": _solution("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"),
    "stop self": _solution("import os", "os.kill(os.getpid(), 19)", "return 1"),
    "abort": _solution("import os", "os.abort()"),
    "raise a signal": _solution("import signal", "signal.raise_signal(11)"),
    "ignore all signals": _solution(
        "import signal",
        "for n in range(1, 65):",
        "    try: signal.signal(n, signal.SIG_IGN)",
        "    except (OSError, ValueError): pass",
        "while True: pass",
    ),
    "stop the timer": _solution(
        "import signal",
        "for n in range(3):",
        "    try: signal.setitimer(n, 0)",
        "    except BaseException: pass",
        "while True: pass",
    ),
    "signal by descriptor": _solution("import signal, os", "signal.pidfd_send_signal(os.pidfd_open(@VICTIM@), 9)"),
    "wait for nobody": _solution("import signal", "signal.pause()"),
    "wait for a child": _solution("import os", "return os.wait()"),
}

_PTRACE = {
    "ptrace parent": _solution("import ctypes, os", "return ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) + 1/0"),
    "ptrace victim": _solution("import ctypes", "return ctypes.CDLL(None).ptrace(16, @VICTIM@, 0, 0)"),
    "trace me": _solution("import ctypes", "return 1 if ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0 else 1/0"),
    "write parent's memory": _solution("import os", "open(f'/proc/{os.getppid()}/mem', 'r+b').write(b'x')", "return 1"),
    "read host's memory": _solution("return open('/proc/@HOST@/maps').read()"),
}  # fmt: skip

_DESCRIPTORS = {
    "write to every descriptor": _solution(
        "import os",
        "for fd in range(256):",
        "    try: os.write(fd, b'\\x00\\x00\\x00\\x04evil' * 10)",
        "    except OSError: pass",
        "return 5",
    ),
    "read every descriptor": _solution(
        "import os",
        "out = b''",
        "for fd in range(256):",
        "    try: out += os.read(fd, 100)",
        "    except OSError: pass",
        "return out.decode('latin1')",
    ),
    "close every descriptor": _solution("import os", "os.closerange(0, 1000)", "return 5"),
    "duplicate a descriptor": _solution("import os", "os.dup2(3, 1)", "os.write(1, b'evil')", "return 5"),
    "forge a reply": _solution("import os", "os.write(3, b'R\\x20\\x00\\x00\\x00' + b'x' * 32)", "os._exit(0)"),
    "forge a JSON reply": _solution("import os", 'os.write(3, b\'{"s": "ok", "v": ["i", "0x63"]}\')', "os._exit(0)"),
    "flood the reply": _solution("import os", "while True: os.write(3, b'x' * 65536)"),
    "half a reply": _solution("import os", "os.write(3, b'R\\xff\\xff')", "os._exit(0)"),
    "print a reply": _solution('print(\'{"s": "ok", "v": ["i", "0x63"]}\', flush=True)', "return 5"),
    "leave without a word": _solution("import os", "os._exit(0)"),
    "exit": _solution("exit(0)"),
    "sys.exit": _solution("import sys", "sys.exit(0)"),
    "raise SystemExit at top": "raise SystemExit(0)\n",
}

_TIME = {
    "endless loop": _solution("while True: pass"),
    "endless loop at top": "while True: pass\n",
    "catch everything": _solution(
        "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
    ),
    "endless finally": _solution("try:", "    return 1", "finally:", "    while True: pass"),
    "loop in C": _solution("return sum(range(10**12))"),
    "loop in C of max": _solution("return max(iter(int, 1))"),
    "endless list": _solution("import itertools", "return list(itertools.repeat(1))"),
    "regular expression": _solution("import re", "return re.match(r'(a+)+$', 'a' * 40 + 'b') is None"),
    "tower of powers": _solution("return 9 ** 9 ** 9"),
    "tower of powers, longer": _solution("return 9 ** 9 ** 9 ** 9"),
    "squares": _solution("x = 10 ** 9", "for _ in range(60): x = x * x", "return x % 7"),
    "factorial": _solution("import math", "return math.factorial(10 ** 8) % 7"),
    "shift": _solution("return (1 << 10 ** 11) % 7"),
    "digits": _solution("return len(str(7 ** 4_000_000))"),
    "sleep": _solution("import time", "time.sleep(3600)", "return 1"),
    "wait for a lock": _solution("import threading", "l = threading.Lock()", "l.acquire()", "l.acquire()"),
    "wait for a condition": _solution("import threading", "threading.Event().wait()"),
    "wait for input": _solution("return input()"),
    "read stdin": _solution("import sys", "return sys.stdin.read()"),
    "select": _solution("import select", "select.select([], [], [])"),
    "deep recursion": _solution("def f(n): return f(n + 1)", "return f(0)"),
    "slow hash": _solution("return len({1.0 * 2 ** i % (2**61 - 1): 0 for i in range(10**9)})"),
    "slow comparison": _solution("a = []", "b = []", "for _ in range(60): a, b = [a, a], [b, b]", "return a == b"),
    "sympy factor": _solution("import sympy", "return sympy.factorint(2**521 * (2**607 - 1) + 12345)"),
}

_MEMORY = {
    "huge string": _solution("return len('x' * 10 ** 11)"),
    "growing list": _solution("a = []", "while True: a.append('x' * 1000000)"),
    "doubling list": _solution("a = [1]", "while True: a += a"),
    "growing dict": _solution("return len({i: str(i) * 100 for i in range(10 ** 9)})"),
    "bytearray": _solution("return len(bytearray(2 ** 36))"),
    "catch memory error": _solution(
        "a = []", "while True:", "    try: a.append('x' * 10 ** 7)", "    except MemoryError: pass"
    ),
    "numpy array": _solution("import numpy", "return float(numpy.ones(2 ** 34).sum())"),
    "nested lists": _solution("a = []", "for _ in range(10 ** 7): a = [a]", "return a"),
    "format width": _solution("return len(f'{1:>10000000000}')"),
    "product": _solution("import itertools", "return len(list(itertools.product(range(1000), repeat=5)))"),
    "replace": _solution("s = 'x' * 10 ** 5", "return len(s.replace('x', s))"),
    "join": _solution("return len(','.join(['x' * 10 ** 6] * 10 ** 6))"),
}

_OUTPUT = {
    "print for ever": _solution("while True: print('x' * 1000)"),
    "print much": _solution("for _ in range(200000): print('y' * 100)", "return 1"),
    "print one line": _solution("print('x' * 10 ** 7)", "return 1"),
    "write to stderr": _solution("import sys", "while True: sys.stderr.write('x' * 10000)"),
    "huge message": _solution("raise ValueError('x' * 10 ** 7)"),
    "long value": _solution("return 'x' * 10 ** 6"),
    "long list": _solution("return [0] * 10 ** 6"),
    "deep value": _solution("a = 1", "for _ in range(500): a = [a]", "return a"),
    "long int": _solution("return 10 ** 100000"),
    "own list": _solution("a = []", "a.append(a)", "return a"),
    "lone surrogate": _solution("return '\\ud800'"),
    "null and control characters": _solution("return '\\x00\\x01\\x1b[2J\\r\\n'"),
    "not a number": _solution("return float('nan')"),
    "a class": _solution("return type('X', (), {})"),
    "an iterator": _solution("return iter([1])"),
}

_TEXT = {
    "brackets": "def solution(): return " + "(" * 20000 + ")" * 20000 + "\n",
    "open brackets": "(" * 60000,
    "minus signs": "def solution(): return " + "-" * 50000 + "1\n",
    "nested blocks": "".join(" " * n + "if 1:\n" for n in range(300)) + " " * 300 + "pass\n",
    "attributes": "def solution(): return a" + ".b" * 30000 + "\n",
    "additions": "def solution(): return " + "1+" * 30000 + "1\n",
    "lambdas": "def solution(): return " + "lambda:" * 8000 + "1\n",
    "one long line": "x = '" + "a" * 60000 + "'\n",
    "null byte": "def solution():\n    return 1\x00\n",
    "lone surrogates": "def solution():\n    return '\ud800'\n",
    "odd encoding": "# -*- coding: utf-7 -*-\ndef solution():\n    return 1\n",
    "bidirectional text": "def solution():\n    return 1 # \u202e } nruter\n",
    "too long": "# " + "x" * 10**6 + "\ndef solution():\n    return 1\n",
    "nothing": "",
    "f-string nest": "def solution(): return " + "f'{" * 100 + "1" + "}'" * 100 + "\n",
    "constant folding": "def solution(): return (0,) * 10**9\n",
    "format in f-string": _solution('return f"{1:{10**9}}"'),
}

_INSIDE = {
    "subclasses": _solution(
        "for c in ().__class__.__base__.__subclasses__():",
        "    if c.__name__ == 'Popen': return c(['touch', '@FOLDER@/popen']).wait()",
        "return 5",
    ),
    "os through a class": _solution(
        "for c in object.__subclasses__():",
        "    g = getattr(getattr(c, '__init__', None), '__globals__', {})",
        "    if 'system' in g: return g['system']('touch @FOLDER@/subclass')",
        "return 5",
    ),
    "os through random": _solution("import random", "return random._os.system('touch @FOLDER@/random')"),
    "frames": _solution(
        "import sys", "f = sys._getframe()", "while f.f_back: f = f.f_back", "f.f_globals['x'] = 1", "return 5"
    ),
    "traceback frames": _solution(
        "try: 1 / 0",
        "except ZeroDivisionError as e:",
        "    f = e.__traceback__.tb_frame",
        "    while f.f_back: f = f.f_back",
        "    return str(sorted(f.f_globals))[:500]",
    ),
    "patch builtins": _solution(
        "import builtins", "builtins.type = builtins.isinstance = lambda *a: True", "builtins.print = exit", "return 5"
    ),
    "patch json": _solution("import json", "json.dumps = lambda x: '[\"i\", \"0x63\"]'", "return 5"),
    "patch math": _solution("import math", "math.sqrt = lambda x: 0", "return 5"),
    "patch float": _solution("import ctypes", "return ctypes.pythonapi.PyRun_SimpleString(b'1')"),
    "import of the jail": _solution("import jail.program", "return str(jail.program.wire)"),
    "modules": _solution("import sys", "return str([m for m in sys.modules if 'jail' in m or 'pad_ray' in m])"),
    "garbage": _solution(
        "import gc",
        "for o in gc.get_objects():",
        "    if getattr(o, '__name__', '') == '_record': o(b'R', b'x' * 40)",
        "return 5",
    ),
    "crash by code object": _solution(
        "c = (lambda: 1).__code__", "c = c.replace(co_code=b'\\x64\\xff' * 50, co_stacksize=1)",
        "return type(solution)(c, {})()",
    ),
    "crash by recursion": _solution("import sys", "sys.setrecursionlimit(10**9)", "f = lambda: f()", "return f()"),
    "crash by memory": _solution("import ctypes", "return ctypes.string_at(1)"),
    "crash by numpy": _solution(
        "import numpy as np", "a = np.lib.stride_tricks.as_strided(np.ones(1), (2**33,), (8,))", "return float(a.sum())"
    ),
    "write beyond an array": _solution(
        "import numpy as np",
        "a = np.lib.stride_tricks.as_strided(np.ones(1), (2**20,), (8,))",
        "a[:] = 7",
        "return float(a[0])",
    ),
    "finalizer": "class A:\n    def __del__(self):\n        while True: pass\n" + _solution("a = A()", "return 5"),
    "audit hook": _solution("import sys", "sys.addaudithook(lambda *a: 1/0)", "return 5"),
    "trace": _solution("import sys", "sys.settrace(lambda *a: 1/0)", "return 5"),
    "exit handler": _solution("import atexit", "atexit.register(print, 'x')", "return 5"),
    "poison for the next": _solution("import builtins", "builtins.sum = lambda x: 99", "return 5"),
    "collector off, cycles on": _solution("import gc", "gc.disable()", "return len([[0] for _ in range(10**6)])"),
    "eval of a call": _solution("return eval('__import__(\"os\").system(\"touch @FOLDER@/eval\")')"),
    "exec of a text": _solution("exec('import os; os.system(\"touch @FOLDER@/exec2\")')", "return 5"),
    "unpickle": _solution(
        "import pickle", "return pickle.loads(b'cos\\nsystem\\n(S\"touch @FOLDER@/pickle\"\\ntR.')"
    ),
    "sympify": _solution("import sympy", "return sympy.sympify('open(\"@SECRET@\").read()')"),
    "marshal": _solution("import marshal", "return marshal.loads(b'\\xe3' + b'\\x00' * 90)"),
}  # fmt: skip

_VALUES = {
    "int that lies": "class N(int):\n    def __repr__(self): return '1' * 10**9\n    __str__ = __hex__ = __repr__\n"
    + _solution("return N(5)"),
    "str that lies": "class S(str):\n    def encode(self, *a): return b'x' * 10**9\n" + _solution("return S('a')"),
    "list that never ends": "class L(list):\n    def __iter__(self): return iter(int, 1)\n" + _solution("return L()"),
    "float that hangs": "class F(float):\n    def hex(self):\n        while True: pass\n" + _solution("return F(2)"),
    "equality that hangs": "class E:\n    def __eq__(self, o):\n        while True: pass\n" + _solution("return E()"),
    "error that lies": "class X(Exception):\n    def __str__(self): return 'x' * 10**9\n" + _solution("raise X"),
    "error that fails": "class X(Exception):\n    def __str__(self): raise X\n" + _solution("raise X"),
    "error that hangs": "class X(Exception):\n    def __str__(self):\n        while True: pass\n"
    + _solution("raise X"),
    "class that lies": "class M:\n    __module__ = __qualname__ = 'x' * 10**6\n" + _solution("return M()"),
    "fraction that lies": "from fractions import Fraction\n"
    + _solution("f = Fraction(1, 3)", "f._numerator = '9' * 9", "return f"),
    "fraction of nothing": "from fractions import Fraction\n"
    + _solution("f = Fraction(1, 3)", "f._denominator = 0", "return f"),
    "huge decimal": _solution("from decimal import Decimal", "return Decimal('1e999999999')"),
    "decimal to int": _solution("from decimal import Decimal", "return int(Decimal('1e99999999'))"),
    "sympy expression that hangs": _solution(
        "import sympy", "return sympy.Pow(9, sympy.Pow(9, 99, evaluate=False), evaluate=False)"
    ),
}

_KINDS = {
    "files": _FILES,
    "disk": _DISK,
    "secrets": _SECRETS,
    "network": _NETWORK,
    "processes": _PROCESSES,
    "signals": _SIGNALS,
    "ptrace": _PTRACE,
    "descriptors": _DESCRIPTORS,
    "time": _TIME,
    "memory": _MEMORY,
    "output": _OUTPUT,
    "text": _TEXT,
    "inside": _INSIDE,
    "values": _VALUES,
}

CORPUS = [Hostile(kind, name, code) for kind, programs in _KINDS.items() for name, code in programs.items()]
