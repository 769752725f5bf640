"""Known ways out of sandboxes for Python, as bodies of `def main(path, variable)`, each returning what it got hold of.

`path` is a file with a secret in it, `variable` an environment variable with the same secret. A body says
"ESCAPED" where what it got hold of is not itself the secret. Several of them work in plain CPython, which is what keeps
this list honest: the tests run it there too.
"""

from textwrap import indent

ESCAPED = "ESCAPED"

_WALK = "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]"

BODIES: dict[str, str] = {
    # walks over the object graph
    "subclasses": "return 'ESCAPED' + str(len(().__class__.__base__.__subclasses__()))",
    "subclasses by mro": "return 'ESCAPED' + str(type('').mro()[1].__subclasses__(type('').mro()[1])[:1])",
    "subclasses by getattr": """
        base = getattr(getattr((), '__cla' + 'ss__'), '__ba' + 'se__')
        return 'ESCAPED' + str(getattr(base, '__subcl' + 'asses__')()[0])""",
    "wrap_close globals": f"return {_WALK}.__init__.__globals__['system']('true') or 'ESCAPED'",
    "class of a class": "return 'ESCAPED' + str(type(type(1)).__subclasses__(type)[0])",
    "function globals": "return 'ESCAPED' + str(main.__globals__['__builtins__'])[:40]",
    "function globals by getattr": "return 'ESCAPED' + str(getattr(main, '__glo' + 'bals__'))[:40]",
    "function code": "return 'ESCAPED' + str(main.__code__.co_consts)",
    "replaced code": """
        def other(): return 'ESCAPED'
        def victim(): return ''
        victim.__code__ = other.__code__
        return victim()""",
    "closure cell": """
        hidden = 'ESCAPED'
        def inner(): return hidden
        return inner.__closure__[0].cell_contents""",
    "defaults": "return 'ESCAPED' + str(main.__defaults__)",
    "builtin's self": "return 'ESCAPED' + str(print.__self__.__dict__['open'](path).read())",
    "method's self": "return 'ESCAPED' + str([].append.__self__)",
    "method's function": """
        class Box:
            def get(self): return 1
        return 'ESCAPED' + str(Box().get.__func__.__globals__)[:40]""",
    "class dictionary": "return 'ESCAPED' + str(int.__dict__['from_bytes'])",
    "reduce": "return 'ESCAPED' + str((1).__reduce_ex__(2)[0].__globals__)[:40]",
    "init subclass": "return 'ESCAPED' + str(object.__init_subclass__)",
    "module's spec": "import json\nreturn 'ESCAPED' + str(json.__spec__.loader)",
    "module's loader": "import math\nreturn 'ESCAPED' + str(math.__loader__.load_module('os').getcwd())",
    "module in a module": "import json\nreturn 'ESCAPED' + json.codecs.open(path).read()",
    "module by getattr": "import random\nreturn 'ESCAPED' + str(getattr(random, '_os').environ.get(variable))",
    "sys by a module": "import dataclasses\nreturn 'ESCAPED' + str(dataclasses.sys.modules['os'].environ[variable])",
    # frames, tracebacks, generators
    "traceback frame": """
        try:
            1 / 0
        except ZeroDivisionError as error:
            return 'ESCAPED' + str(error.__traceback__.tb_frame.f_globals)[:40]""",
    "traceback by getattr": """
        try:
            1 / 0
        except ZeroDivisionError as error:
            frame = getattr(getattr(error, '__trace' + 'back__'), 'tb_frame')
            return 'ESCAPED' + str(frame.f_back.f_globals)[:40]""",
    "generator frame": "return 'ESCAPED' + str((x for x in [1]).gi_frame.f_globals)[:40]",
    "generator code": "return 'ESCAPED' + str((x for x in [1]).gi_code)",
    "coroutine frame": """
        async def wait(): pass
        waiting = wait()
        try:
            return 'ESCAPED' + str(waiting.cr_frame)
        finally:
            waiting.close()""",
    "sys frame": "import sys\nreturn 'ESCAPED' + str(sys._getframe(1).f_globals)[:40]",
    "exception context": """
        try:
            try:
                1 / 0
            except ZeroDivisionError:
                [][1]
        except IndexError as error:
            return 'ESCAPED' + str(error.__context__.__traceback__)""",
    # text that is looked into
    "format attribute": "return 'ESCAPED' + '{0.__class__.__base__}'.format(1)",
    "format globals": "return 'ESCAPED' + '{0.__globals__}'.format(main)[:40]",
    "format item": "return 'ESCAPED' + '{0.__class__.__mro__[1]}'.format('')",
    "format map": "return 'ESCAPED' + '{x.__class__.__init__}'.format_map({'x': 1})",
    "format specification": "return 'ESCAPED' + format(1, '').__class__.__base__.__name__",
    "f-string in an f-string": "return f'{f\"ESCAPED{().__class__.__base__}\"}'",
    "percent": "return 'ESCAPED' + '%(x)s' % {'x': main.__globals__}",
    "string template": "import string\nreturn 'ESCAPED' + str(string.Formatter().get_field('0.__class__', ('',), {}))",
    "match class pattern": """
        match main:
            case object(__globals__=found):
                return 'ESCAPED' + str(found)[:40]
        return ''""",
    # code in strings
    "eval": "return 'ESCAPED' + str(eval('1 + 1'))",
    "exec": "exec('global found; found = 2')\nreturn 'ESCAPED'",
    "eval by another name": "look = [eval][0]\nreturn 'ESCAPED' + str(look('2'))",
    "eval in full width": "return 'ESCAPED' + str(ｅｖａｌ('2'))",
    "exec in mathematical letters": "𝐞𝐱𝐞𝐜('x = 1')\nreturn 'ESCAPED'",
    "exec in a default": "def inner(x=exec('y = 1')): return 'ESCAPED'\nreturn inner()",
    "exec as a decorator": "@exec\n@str\ndef inner(): pass\nreturn 'ESCAPED'",
    "exec in a class body": "class Box:\n    exec('x = 1')\nreturn 'ESCAPED'",
    "exec in an annotation": "def inner(x: exec('y = 1')): pass\nreturn 'ESCAPED'",
    "exec by map": "list(map(exec, ['x = 1']))\nreturn 'ESCAPED'",
    "eval by walrus": "return 'ESCAPED' + str((look := eval)('3'))",
    "eval by lambda": "return 'ESCAPED' + (lambda look=eval: str(look('4')))()",
    "compile": "return 'ESCAPED' + str(compile('1', 'x', 'eval').co_consts)",
    "namedtuple's eval": "import collections\nreturn 'ESCAPED' + collections._sys.version",
    "type hints": "import typing\nreturn 'ESCAPED' + str(typing.get_type_hints(main))",
    "make_dataclass": "import dataclasses\nreturn 'ESCAPED' + str(dataclasses.make_dataclass('X', ['x']))",
    # doors to the host
    "import os": "import os\nreturn 'ESCAPED' + os.environ[variable]",
    "import in a function": "def inner():\n    import os as other\n    return other\nreturn 'ESCAPED' + str(inner())",
    "from os import": "from os import system\nreturn str(system('true')) + 'ESCAPED'",
    "relative import": "from . import os\nreturn 'ESCAPED'",
    "submodule": "import os.path\nreturn 'ESCAPED' + str(os.path.getsize(path))",
    "dunder import": "return 'ESCAPED' + __import__('os').getcwd()",
    "dunder import from builtins": "return 'ESCAPED' + str(__builtins__)[:20]",
    "importlib": "import importlib\nreturn 'ESCAPED' + importlib.import_module('os').getcwd()",
    "open": "return open(path).read()",
    "open by getattr": "import json\nreturn getattr(json, '__buil' + 'tins__')['open'](path).read()",
    "io": "import io\nreturn io.open(path).read()",
    "pathlib": "from pathlib import Path\nreturn Path(path).read_text()",
    "file input": "import fileinput\nreturn ''.join(fileinput.input(path))",
    "password file": "return 'ESCAPED' + open('/etc/passwd').read()",
    "own memory": "return 'ESCAPED' + str(open('/proc/self/mem', 'rb').read(0))",
    "own environment": "return open('/proc/self/environ').read()",
    "csv of a file": "import csv\nreturn 'ESCAPED' + str(list(csv.reader(path.open())))",
    "file digest": "import hashlib\nreturn 'ESCAPED' + hashlib.file_digest(open(path, 'rb'), 'md5').hexdigest()",
    "subprocess": "import subprocess\nreturn 'ESCAPED' + subprocess.check_output(['true']).decode()",
    "socket": "import socket\nreturn 'ESCAPED' + str(socket.socket())",
    "ctypes": "import ctypes\nreturn 'ESCAPED' + str(ctypes.CDLL(None).getpid())",
    "pickle": "import pickle\nreturn 'ESCAPED' + str(pickle.loads(b'cos\\ngetcwd\\n(tR.'))",
    "signal": "import signal\nreturn 'ESCAPED' + str(signal.getsignal(2))",
    "garbage collector": "import gc\nreturn 'ESCAPED' + str(len(gc.get_objects()))",
    "inspect": "import inspect\nreturn 'ESCAPED' + str(inspect.stack()[0])",
    "threads": "import threading\nreturn 'ESCAPED' + str(threading.main_thread())",
    "event loop": "import asyncio\nreturn 'ESCAPED' + str(asyncio.new_event_loop().close())",
    "breakpoint": "return 'ESCAPED' + str(breakpoint.__name__)",
    "help": "return 'ESCAPED' + str(help)",
    "licence": "return 'ESCAPED' + str(license)",
    "exit": "return 'ESCAPED' + str(exit)",
    "standard input": "return 'ESCAPED' + str(input.__name__)",
    "standard error": "import sys\nreturn 'ESCAPED' + str(sys.stderr)",
    "print to a file": "print('x', file=open(path, 'a'))\nreturn 'ESCAPED'",
    "global names": "return 'ESCAPED' + ' '.join(globals())",
    "local names": "return 'ESCAPED' + ' '.join(locals())",
    "variables": "return 'ESCAPED' + ' '.join(vars())",
    "names by dir": "return 'ESCAPED' + ' '.join(dir())",
    "replaced builtins": "global __builtins__\n__builtins__ = {}\nreturn 'ESCAPED'",
    "metaclass": "class Box(metaclass=type): pass\nreturn 'ESCAPED'",
    "inherited text": "class Text(str): pass\nreturn Text('ESCAPED')",
    "attribute hook": "class Box:\n    def __getattribute__(self, name): return 'ESCAPED'\nreturn Box().x",
    "finaliser": "class Box:\n    def __del__(self): pass\nreturn 'ESCAPED'",
    "type with bases": "return type('Box', (dict,), {'x': 'ESCAPED'}).x",
}


def program(body: str) -> str:
    """A body as the source of a program."""
    lines = body.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    return "def main(path, variable):\n" + indent("\n".join(line[margin:] for line in lines), "    ") + "\n"
