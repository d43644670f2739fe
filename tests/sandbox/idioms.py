"""Python as programs write it, a line or a few lines each, to compare the two interpreters on."""

from __future__ import annotations

IMPORTS = """import bisect, collections, copy, datetime, decimal, functools, itertools, json, math, random, re, time
from collections import Counter, defaultdict, deque, namedtuple
from datetime import date, timedelta
from decimal import Decimal
"""

# Expressions, one a line.
EXPRESSIONS = r"""
str(date(2024,1,31)+timedelta(days=30))
(date(2024,3,1)-date(2023,3,1)).days
date(2024,2,29).strftime('%A %d %B %Y %j %U %W %u %w %y %m %b %a %p %I %H %M %S %%')
date(2024,2,29).weekday()
date(2024,2,29).isocalendar()[1]
str(datetime.datetime(2024,1,1,13,5,6).strftime('%I:%M %p %f'))
str(datetime.datetime.strptime('2024-02-03 04:05','%Y-%m-%d %H:%M'))
str(datetime.datetime.strptime('Mar 5, 2021','%b %d, %Y').date())
date.fromisoformat('2024-01-02').isoformat()
str(datetime.timedelta(hours=25,minutes=3))
datetime.timedelta(days=1.5).total_seconds()
str(date(2024,1,1).replace(month=5))
date(2024,1,1).toordinal()
str(date.fromordinal(738000))
str(datetime.datetime(2024,1,1)-datetime.datetime(2023,12,31,1,2,3))
divmod(timedelta(hours=5),timedelta(hours=2))[0]
timedelta(hours=5)/timedelta(hours=2)
timedelta(hours=5)//timedelta(hours=2)
str(datetime.time(3,4))
date(2024,1,1)<date(2024,1,2)
date(2023,2,30)
re.findall(r'\d+','a1b22')
re.sub(r'(a)(b)',r'\2\1','abab')
re.search(r'(?P<x>\d+)','a12').group('x')
re.split(r'[,;]\s*','a, b;c')
re.match(r'a*?b','aab').span()
bool(re.fullmatch(r'[A-Z]{2,3}','ABC'))
re.sub(r'\b(\w)',lambda m:m.group(1).upper(),'hello world')
re.findall(r'(\w)(\d)','a1b2')
re.compile('x',re.I).sub('y','XxX')
re.escape('a.b*c')
json.dumps({'a':[1,2.5,None,True],'b':'é'})
json.loads('{"a":[1,2.0,null]}')['a']
json.dumps({'b':1,'a':2},sort_keys=True,indent=2)
json.dumps([1.0,1e20,1e-7])
list(itertools.permutations([1,2,3],2))
list(itertools.combinations('abc',2))
list(itertools.product([1,2],repeat=2))
list(itertools.accumulate([1,2,3]))
list(itertools.chain([1],[2]))
list(itertools.islice(itertools.count(5),3))
[(k,list(g)) for k,g in itertools.groupby('aabbc')]
list(itertools.combinations_with_replacement([1,2],2))
list(itertools.zip_longest([1],[2,3]))
list(itertools.takewhile(lambda x:x<3,[1,2,3,1]))
functools.reduce(lambda a,b:a*b,[1,2,3,4])
functools.partial(pow,2)(5)
Counter('hello').most_common(2)
Counter('aab')['a']
sum(Counter('aab').values())
dict(Counter('ab')+Counter('a'))['a']
defaultdict(int)['x']
deque([1,2,3],maxlen=2)[0]
namedtuple('P','x y')(1,2).y
namedtuple('P','x y')(1,2)
random.random()
random.randint(1,100)
random.choice([1,2,3,4,5])
random.sample(range(100),5)
(lambda l:(random.shuffle(l),l)[1])([1,2,3,4,5])
random.uniform(1,2)
random.gauss(0,1)
random.choices([1,2,3],k=4)
random.randrange(0,100,7)
random.betavariate(1,2)
random.expovariate(1)
random.normalvariate(0,1)
(random.seed(42),random.random())[1]
random.Random(5).random()
random.getrandbits(40)
random.triangular()
bisect.bisect([1,3,5],3)
bisect.bisect_left([1,3,5],3)
copy.deepcopy([[1]])
math.fsum([0.1]*10)
math.comb(50,25)
math.perm(5)
math.isclose(0.1+0.2,0.3)
math.dist((0,0),(3,4))
math.trunc(-2.5)
math.modf(2.5)
math.frexp(8.5)
math.ldexp(0.5,3)
math.nextafter(1,2)
math.ulp(1.0)
math.lcm(4,6)
math.gcd(0,5)
math.log(0)
math.sqrt(-1)
math.factorial(-1)
math.factorial(2.5)
math.exp(1000)
math.pow(0,-1)
math.tau+math.inf
Decimal('1')/Decimal('3')
Decimal(0.1)
Decimal('1.005').quantize(Decimal('0.01'))
Decimal('10').sqrt()
Decimal('2')**Decimal('0.5')
Decimal('1e3')
str(Decimal('1E+3'))
Decimal('123.4500').normalize()
int(Decimal('5.9'))
round(Decimal('2.5'))
Decimal('-7')%3
Decimal('-7')//2
float(Decimal('0.1'))
Decimal('5').ln()
Decimal('nan')
Decimal('1')==1.0
Decimal('1.1')+1.1
'{:.2f}'.format(Decimal('2.675'))
f"{Decimal('1234.5'):,}"
decimal.getcontext().prec
sorted(['banana','apple'],key=len)
sorted([(1,'b'),(1,'a')],key=lambda t:t[0])
sorted([3,1,2],reverse=True)
max(['a','bb'],key=len)
''.join(chr(ord(c)+1) for c in 'abc')
'abc'.translate(str.maketrans('ab','xy'))
'hello'.encode().hex()
'%s %r %5.1f %%'%('a','b',2.25)
'a\nb'.splitlines()
'abc'.zfill(5)
'abc'.ljust(5,'.')+'|'
'Abc'.istitle()
'abc'.isidentifier()
'1,234.5'.replace(',','')
int(' 42 ')
float('1_0.5')
int('0b11',0)
int('12.5')
float('abc')
[1,2,3].index(5)
{'a':1}['b']
[].pop()
(1,2)[5]
'a'+1
1+'a'
None+1
len(5)
int(None)
undefined
(5).foo
'abc'.foo()
[1].foo
1/0
1%0
1.0//0
0**-1
int('9'*5000)
max([])
min(5)
sum('a')
next(iter([]))
[1,2,3][1:10:2]
[*'ab',*[1]]
(lambda *a,**k:(a,k['x']))(1,2,x=3)
(lambda x,y=2:x+y)(1)
list(map(lambda a,b:a+b,[1,2],[3,4]))
list(filter(None,[0,1,2]))
{i:i**2 for i in range(3)}[2]
[x if x%2 else -x for x in range(4)]
sum(x*y for x,y in zip([1,2],[3,4]))
all(x>0 for x in [1,2])
[[0]*2 for _ in range(2)]
(lambda f:f(f,5))(lambda f,n:1 if n<2 else n*f(f,n-1))
1_000_000
0x1F+0b11+0o17
1e3
10//3*3+10%3
-2**2
2**3**2
1<2==2
"a" "b"
not None
3 if [] else 4
[i for i in range(10) if i%3==0][-1]
str(range(3))
list(range(10,0,-3))
range(10)[3]
5 in range(10)
len(range(0,10,3))
round(123.456,-1)
round(1234,-2)
round(-1.5)
round(2.5,0)
round(1e16+0.5)
round(0.1+0.2,10)
abs(-5.5)
int(1e20)
float(10**400)
10**400/10**399
1e308*10
(2**53+1)/1
(10**17+1)*1.0
7//0.1
int(0.1*3*10)
0.1+0.2==0.3
float('nan')==float('nan')
str(float('nan'))
-0.0==0
1e22
1.0e-5
123456789.123456789
1/7
100*1.1
3.0*2
2**64
-(2**63)
str(2**100)
hex(2**70)
bin(10).count('1')
(2**70).bit_length()
True+True
True and 5
'5'*3
[1]==[1.0]
(1,)==[1]
1==True
'é'=='e\u0301'
'ñ'.encode('utf-8')[0]
bytes([65,66]).decode()
ord('€')
chr(0x1F600)
len('😀')
'ABC'.lower()[::-1]
'hello world'.capitalize()
'a,b,,c'.split(',')
' a  b '.split()
'abc'.rjust(6,'*')
'x=1;y=2'.split(';')[1].split('=')
'%.3g'%1234567
'%.0f'%2.5
'%.0f'%0.5
'{:g}'.format(1e10)
'{:,.0f}'.format(1234567.5)
'{:e}'.format(12345.678)
'{:+.2f}'.format(3)
'{:>8.3f}|'.format(2.5)
'{:b}'.format(10)
'{:#x}'.format(255)
'{:c}'.format(65)
'{:%}'.format(0.5)
'{!r:>5}'.format('a')
f"{3.14159:.{2}f}"
f"{'a':>{5}}"
f"{1+1=}"
time.time()
time.strftime('%Y-%m-%d')
time.perf_counter()-time.perf_counter()
str(datetime.datetime.now())
str(datetime.datetime.utcnow())
str(date.today())
datetime.datetime.now().timestamp()
date.today().year
"""

# What depends on hashes, and so on the interpreter.
HASHES = r"""
list({3,1,2})
list({'b','a','c','zz'})
tuple(set([10,5,7,100,33,8,9]))
str({3,1,2})
[x for x in {5.5,2.5,7}]
{3,1,2}.pop()
next(iter({9,4}))
list(set('hello world'))
list({1,2}|{10,0})
hash('a')
hash(1.5)
str(frozenset([3,2]))
max({'b','a'},key=lambda x:0)
list({1,2}^{2,3,40})
sum({0.1,0.2,0.3,0.7,1e10})
list({x[1:] for x in ['ab','cb','ad']})
[list({1: {7, 3, 5}}[1])]
list({'a':1,'b':2}.keys() & {'b':1,'a':2}.keys())
len({1,1,2})
len(set([1,2,2]))
sorted(set('hello'))
{1:2}[1]
f"{1+1}"
{**{'a':1}}['a']
"""

# Programs, with a line of three dashes between them.
PROGRAMS = r"""
def solution():
    class A:
        n = 0
        def __init__(self, x): self.x = x; A.n += 1
        def __add__(self, o): return A(self.x + o.x)
        def __eq__(self, o): return self.x == o.x
        @property
        def d(self): return self.x * 2
        @staticmethod
        def s(): return 5
        @classmethod
        def c(cls): return cls.n
    a = A(1) + A(2)
    return (a.d, A.s(), A.c(), a == A(3))
---
def solution():
    out = []
    try:
        try: 1/0
        except ValueError: out.append(1)
        finally: out.append(2)
    except ZeroDivisionError as e:
        out.append(str(e))
    else: out.append(3)
    return tuple(out)
---
def solution():
    def outer():
        n = 0
        def inner():
            nonlocal n
            n += 1
            return n
        return inner
    f = outer(); f(); return f()
---
def solution():
    total = 0
    for i in range(10):
        if i == 3: continue
        if i == 7: break
        total += i
    else: total = -1
    while True:
        total += 1
        if total > 50: break
    return total
---
def solution():
    a, *b, c = [1,2,3,4]
    (d, e), f = (1, 2), 3
    return (a, tuple(b), c, d, e, f)
---
def solution():
    d = {}
    d.setdefault('a', []).append(1)
    d.update(b=2)
    d |= {'c': 3}
    x = d.pop('b')
    return (tuple(d), x, tuple(d.items())[1], d.get('z', 9), 'a' in d)
---
def solution():
    l = [3,1,2]
    l.sort(key=lambda x: -x); l.insert(1, 9); l.extend([4]); l.remove(1); l.reverse()
    return tuple(l)
---
def solution():
    match (1, 'a', {'k': 2}):
        case (int(x), str(y), {'k': z}) if z > 1: return (x, y, z)
        case _: return 0
---
def solution(memo={}):
    def fib(n):
        if n < 2: return n
        if n not in memo: memo[n] = fib(n-1) + fib(n-2)
        return memo[n]
    return fib(60)
---
import functools
@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n-1) + fib(n-2)
def solution():
    return fib(80)
---
def solution():
    x = 5
    s = f"{x:>5}|{x!r}|{x+1:03d}"
    return s + "%d-%s" % (x, [x])
---
def gen():
    yield 1
    yield 2
def solution():
    return sum(gen())
---
def solution():
    x = [1,2,3]
    del x[0]
    return tuple(x)
---
def solution():
    class E(Exception): pass
    try: raise E('a')
    except E as e: return str(e)
---
def solution():
    assert 1 == 2, 'no'
---
def solution():
    raise ValueError('x', 1)
---
def solution():
    with open('x') as f: return f.read()
---
def solution():
    global g
    g = 5
    return g
print(solution())
---
def f(n): return 1 if n == 0 else n * f(n-1)
def solution(): return f(150) % 1000007
---
def f(n): return 0 if n == 0 else 1 + f(n-1)
def solution(): return f(900)
---
from dataclasses import dataclass, field
@dataclass(order=True)
class P:
    x: int
    y: list = field(default_factory=list)
def solution(): return (P(1) < P(2), repr(P(1)), P(1) == P(1))
---
from typing import List, Optional
def solution() -> Optional[int]:
    x: List[int] = [1]
    y: int
    return x[0]
---
def solution():
    return [print(i) for i in range(3)]
---
def solution():
    i = 0
    while i < 100000: i += 1
    return i
---
def solution():
    s = 0.0
    for i in range(1, 1000): s += 1 / i
    return s
---
def solution():
    return sum(1/i for i in range(1, 2000))
---
def solution():
    x = 1.0
    for _ in range(50): x = (x + 2 / x) / 2
    return x
---
import math
def solution():
    primes = [n for n in range(2, 500) if all(n % d for d in range(2, int(math.sqrt(n)) + 1))]
    return (len(primes), sum(primes), primes[-1])
---
def solution():
    balance = 1000
    for year in range(10): balance *= 1.05
    return round(balance, 2)
---
def solution():
    words = "the quick brown the".split()
    c = {}
    for w in words: c[w] = c.get(w, 0) + 1
    return max(c, key=c.get)
---
def solution():
    m = [[1,2],[3,4]]
    return tuple(map(tuple, zip(*m)))
---
def solution():
    try:
        return int('x')
    except (ValueError, TypeError):
        return -1
    finally:
        pass
---
def solution():
    try:
        [][1]
    except Exception as e:
        return type(e).__name__ + str(e)
---
def solution():
    try:
        {}['k']
    except KeyError as e:
        return repr(e) + str(e)
---
def solution():
    try: int('abc')
    except ValueError as e: return str(e)
---
def solution():
    try: 'a' + 1
    except TypeError as e: return str(e)
---
def solution():
    try: None.x
    except AttributeError as e: return str(e)
---
def solution():
    try: undefined_thing
    except NameError as e: return str(e)
---
def solution():
    it = iter([1,2,3])
    a = next(it); b = list(it)
    return (a, tuple(b), next(it, 'end'))
---
def solution():
    return (lambda: (yield))
---
x = 10
def solution():
    x = 5
    return x + globals()['x']
---
def solution():
    a = b = []
    a.append(1)
    return (b is a, tuple(b), [] is [])
---
def solution():
    return 256 is 256
---
def solution(x=3, *args, k=4, **kw): return x + k + len(args) + len(kw)
---
def solution():
    return __name__
---
def solution():
    t = (1, [2])
    try: t[1] += [3]
    except TypeError: pass
    return t
---
def solution():
    l = [1,2,3,4,5,6]
    l[1:3] = [9]
    l[::2] = [0,0,0]
    return l
---
def solution():
    n = 0
    for i, (a, b) in enumerate([(1,2),(3,4)], start=1): n += i * a * b
    return n
---
def solution():
    return "".join(reversed("abc")) + "-".join(str(i) for i in range(3))
---
def solution():
    s = "racecar"
    return s == s[::-1] and len(s) == 7
---
def solution():
    x = 0.1
    return x.__add__(0.2), (5).__mul__(2)
---
def solution():
    a = 5; b = 2
    return a / b, a // b, a % b, -a // b, a ** b, a ** -b, divmod(-a, b)
---
from math import *
def solution(): return sqrt(16) + pi
---
def solution():
    if (n := 10) > 5: return n
---
def solution():
    return [*range(3), *[4]], {**{'a': 1}}['a']
---
def solution():
    return 1,
---
def solution(): pass
---
solution = lambda: 5
---
class solution:
    pass
---
solution = 5
---
def solution(x): return x
"""
