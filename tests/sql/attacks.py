"""Queries that try to do what a query must not, grouped by what they try, and what met them.

Each is asked twice: as a visitor would, and past the gate that takes only SELECT (`any_statement`), so that DuckDB's
own locks and those of the operating system are tried too. `python -m tests.sql.attacks` prints a table of all of them;
`tests/sql/test_attacks.py` runs them with the files of a store compared before and after.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections import Counter
from pathlib import Path

import rnnstore
from rnnstore.errors import StoreError
from rnnstore.sql.answers import Stopped
from rnnstore.sql.limits import MEGABYTE, Limits
from rnnstore.sql.pool import Pool

LIMITS = Limits(
    seconds=2, rows=1000, bytes=4 * MEGABYTE, memory=200 * MEGABYTE, resident=400 * MEGABYTE,
    address_space=1200 * MEGABYTE,
)  # fmt: skip
"""Low, so that what has to be stopped is stopped soon."""

_FROM = "select * from "
_DEEP = 20_000

ATTACKS: dict[str, list[str]] = {
    "reading files": [
        "select * from '{card}'",
        "select * from '{parquet}'",
        "select * from read_parquet('{parquet}')",
        "select * from parquet_metadata('{parquet}')",
        "select * from parquet_schema('{parquet}')",
        "select * from parquet_file_metadata('{parquet}')",
        "select * from parquet_kv_metadata('{parquet}')",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/proc/self/environ')",
        "select * from read_csv('/etc/passwd', header = false, sep = ':')",
        "select * from read_csv_auto('/etc/hosts')",
        "select * from read_json('{card}')",
        "select * from read_json_objects('{card}')",
        "select * from read_ndjson_auto('{card}')",
        "select * from sniff_csv('/etc/passwd')",
        "select * from glob('/**')",
        "select * from glob('{folder}/*')",
        "select * from read_text('/proc/self/fd/0')",
        "select * from read_text('/dev/stdin')",
        "select * from read_duckdb('{folder}/x.duckdb')",
        "from '/proc/self/cmdline'",
        "from read_parquet(['{parquet}', '/etc/passwd'])",
        "select * from read_csv((select path from (values ('/etc/passwd')) v(path)))",
        "select t, (select content from read_text('{card}')) from tokens",
        "explain analyze select * from read_text('{card}')",
        "describe select * from read_parquet('{parquet}')",
        "select getvariable('x'), * from query_table('{parquet}')",
        "select * from query('select * from read_text(''/etc/passwd'')')",
        "select * from query_table('tokens_files')",
        "select file_exists('{card}')",
        "select * from read_text('file://{card}')",
        "select * from read_text('\\{card}')",
    ],
    "writing": [
        "copy tokens to '{folder}/out.csv'",
        "copy tokens to '{parquet}' (format parquet)",
        "copy tokens to '{parquet}' (format parquet, use_tmp_file false)",
        "copy (select 1) to '{card}' (format json)",
        "copy (select 1) to '/tmp/rnnstore-attack.csv'",
        "copy tokens to '/dev/stdout'",
        "copy tokens to '/proc/self/fd/1' (format csv)",
        "copy (select 1) to 'here.csv'",
        "copy tokens to '{folder}' (format parquet, partition_by (word))",
        "create table t as from tokens",
        "create or replace view tokens as select 1",
        "insert into models select * from models",
        "delete from models",
        "update models set model = 'x'",
        "truncate models",
        "drop view tokens",
        "drop table models cascade",
        "alter table models rename to other",
        "merge into models using tokens on false when not matched then insert default values",
        "explain analyze copy tokens to '{folder}/out.csv'",
        "explain analyze delete from models",
        "vacuum",
        "analyze",
    ],
    "attaching": [
        "attach '{folder}/x.duckdb'",
        "attach '{folder}/x.duckdb' (read_only)",
        "attach ':memory:' as other",
        "attach 'https://example.org/x.duckdb'",
        "attach '{parquet}' as p",
        "attach 'host=localhost' as pg (type postgres)",
        "attach '{folder}/x.sqlite' (type sqlite)",
        "detach memory",
        "use memory",
        "create schema s",
        "create database '{folder}/y.duckdb'",
        "copy from database memory to other",
    ],
    "exporting": [
        "export database '{folder}/export'",
        "export database '/tmp/rnnstore-export' (format parquet)",
        "import database '{folder}'",
        "checkpoint",
        "force checkpoint",
        "checkpoint memory",
        "pragma force_checkpoint",
    ],
    "configuration": [
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set global lock_configuration = false",
        "set memory_limit = '100GB'",
        "set threads = 64",
        "set temp_directory = '{folder}'",
        "set allowed_directories = ['/']",
        "set allowed_paths = ['/etc/passwd']",
        "set python_enable_replacements = true",
        "set home_directory = '{folder}'",
        "set secret_directory = '{folder}'",
        "set extension_directory = '{folder}'",
        "set log_query_path = '{folder}/log'",
        "set logging_storage = 'file'",
        "set profile_output = '{folder}/profile.json'",
        "set profiling_output = '{folder}/profile.json'",
        "set enable_profiling = 'json'",
        "set max_expression_depth = 1000000",
        "set variable x = 1",
        "reset all",
        "reset lock_configuration",
        "reset enable_external_access",
        "set session enable_progress_bar = true",
        "set custom_user_agent = 'x'",
        "set disabled_filesystems = ''",
        "pragma enable_external_access = true",
    ],
    "extensions": [
        "install httpfs",
        "load httpfs",
        "install '{folder}/x.duckdb_extension'",
        "load '/tmp/x.duckdb_extension'",
        "install spatial from community",
        "install httpfs from 'http://127.0.0.1:1'",
        "force install json",
        "update extensions",
        "select * from st_read('/etc/passwd')",
        "select * from sqlite_scan('{folder}/x', 't')",
        "select * from postgres_scan('host=localhost', 'public', 't')",
        "select * from read_xlsx('{folder}/x.xlsx')",
        "select * from iceberg_scan('{folder}')",
        "select * from delta_scan('{folder}')",
        "select * from load_aws_credentials()",
        "set autoinstall_known_extensions = true",
        "set allow_unsigned_extensions = true",
    ],
    "the network": [
        "select * from 'https://example.org/x.parquet'",
        "select * from read_csv('http://127.0.0.1:8501/_stcore/health')",
        "select * from read_parquet('s3://bucket/x.parquet')",
        "select * from read_text('hf://datasets/x/y')",
        "select * from 'az://container/x.csv'",
        "select http_get('http://127.0.0.1')",
        "copy tokens to 's3://bucket/x.parquet'",
    ],
    "secrets and environment": [
        "select getenv('HOME')",
        "select getenv('PATH')",
        "create secret (type s3, key_id 'x', secret 'y')",
        "create persistent secret s (type http)",
        "drop secret s",
        "select * from duckdb_secrets()",
        "select * from which_secret('s3://x', 's3')",
        "select current_setting('home_directory')",
        "select current_setting('secret_directory')",
    ],
    "pragmas and calls": [
        "pragma database_list",
        "pragma version",
        "pragma show_tables",
        "pragma enable_profiling",
        "pragma enable_logging",
        "pragma memory_limit = '100GB'",
        "pragma import_database('{folder}')",
        "call pragma_version()",
        "call enable_logging()",
        "call enable_logging(storage = 'file', storage_path = '{folder}/logs')",
        "call enable_logging(storage = 'stdout')",
        "call enable_logging(storage = 'file', storage_config = {{'path': '{folder}/logs'}})",
        "call start_ui()",
        "call start_ui_server()",
        "call force_checkpoint()",
        "call checkpoint()",
        "call add_parquet_key('k', '0123456789112345')",
        "select * from pragma_table_info('models')",
        "from truncate_duckdb_logs()",
    ],
    "endless scalars": [
        "select range(1000000000)",
        "select len(range(10000000000))",
        "select list_sum(range(2000000000))",
        "select sum(a.range) from range(10000000) a, range(10000000) b",
        "select count(*) from range(1000000000000)",
        "select max(md5(range::varchar)) from range(100000000000)",
        "select list_reduce(range(100000000), lambda a, b: a + b)",
        "select regexp_matches(repeat('a', 30000000), '(a|aa)+b')",
        "select levenshtein(repeat('a', 100000), repeat('b', 100000))",
        "select list_sort(list_transform(range(100000000), lambda x: hash(x)))",
        "select factorial(100000)",
        "select generate_series(timestamp '0001-01-01', timestamp '9999-01-01', interval 1 microsecond)",
        "select sleep_ms(100000)",
    ],
    "huge strings": [
        "select repeat('x', 2000000000)",
        "select repeat('x', 4000000000)",
        "select length(repeat(repeat('x', 100000), 100000))",
        "select lpad('x', 2000000000, 'y')",
        "select rpad('x', 2000000000, 'y')",
        "select printf('%2000000000d', 1)",
        "select format('{{:2000000000d}}', 1)",
        "select string_agg(repeat('x', 1000), '') from range(100000000)",
        "select replace(repeat('x', 100000), 'x', repeat('y', 100000))",
        "select array_to_string(range(500000000), ',')",
        "select bitstring('1', 2000000000)",
        "select to_json(range(100000000))",
    ],
    "recursion": [
        "with recursive r as (select 1 as x union all select x + 1 from r) select count(*) from r",
        "with recursive r as (select 1 as x union all select x from r) select max(x) from r",
        "with recursive r as (select 'x' as s union all select s || s from r) select length(s) from r",
        "with recursive r as (select 1 as x union all select r.x from r, range(1000)) select count(*) from r",
        "with recursive r(x) using key (x) as (select 1 union select x + 1 from r) select count(*) from r",
        "create recursive view v(x) as select 1 union all select x + 1 from v",
        "create macro f(x) as f(x)",
    ],
    "joins and memory": [
        "select count(*) from tokens a, tokens b, tokens c, tokens d, tokens e",
        "select count(distinct a.range * 1000003 + b.range) from range(100000) a, range(100000) b",
        "select a.range, b.range from range(100000) a, range(100000) b order by hash(a.range * b.range)",
        "select list(range) from range(1000000000)",
        "select histogram(range) from range(1000000000)",
        "select map_from_entries(list((range, range))) from range(100000000)",
        "select range % 100000000 as g, list(range) from range(1000000000) group by g",
        "select row_number() over (order by hash(range)) from range(1000000000) order by 1 desc",
        "select unnest(range(1000000000)) order by 1 desc",
        "pivot (select range as r from range(1000000)) on r using count(*)",
        "select approx_quantile(range, 0.5), quantile(range, 0.5), mode(range) from range(1000000000)",
    ],
    "huge results": [
        "select * from range(1000000000)",
        "select repeat('x', 100000) from range(100000)",
        "select repeat('x', 100000000)",
        "select range(1000000) from range(1000)",
        "select * from states a, states b",
        "select " + ", ".join(f"{number} as c{number}" for number in range(20_000)),
        "select unnest(map([range(100000)], ['x']))",
        "select 'x'::blob, interval 1 day, uuid(), {{'a': [1, 2]}}, map {{'k': 1}}, 1::hugeint, time '10:00'",
        "select 1 as a, 2 as a, 3 as \"a_1\", 4 as \"\"",
        "select union_value(k := 1), 'nan'::float, 'infinity'::double, date '5877642-06-25 (BC)'",
        "select null",
    ],
    "several queries": [
        "select 1; select 2",
        "select 1; drop view tokens",
        "select 1; copy tokens to '{folder}/out.csv'",
        ";;; copy tokens to '{folder}/out.csv'",
        "select 1 /* ; */ ; -- \n delete from models",
        "begin; delete from models; commit",
        "begin transaction",
        "rollback",
        "select ';'; select 2",
        "",
        ";",
        "-- nothing",
    ],
    "writing inside a query": [
        "with a as (delete from models returning *) select * from a",
        "with a as (insert into models (model) values ('x') returning *) select * from a",
        "with a as (update models set model = 'x' returning *) select * from a",
        "with a as (copy tokens to '{folder}/out.csv' (return_files)) select * from a",
        "select * from (delete from models returning *)",
        "from (copy tokens to '{folder}/out.csv')",
        "select nextval('s')",
        "select setseed(0.5), write_blob('{folder}/x', 'x'), write_log('x')",
        "with a as materialized (copy tokens to '{parquet}') select 1",
    ],
    "macros and Python": [
        "create macro tokens() as table select 1",
        "create or replace macro matches(model, state, threshold, units) as table select 1",
        "create function f(x) as (select content from read_text(x))",
        "create temp macro g() as table from read_text('/etc/passwd')",
        "select * from opening",
        "select * from limits",
        "select * from connection",
        "select * from messages",
        "select * from sys",
        "from answers",
        "select * from table_",
        "create type t as enum (select word from tokens)",
        "create sequence s",
        "create temp table t as select 1",
        "create temp view v as select * from read_text('/etc/passwd')",
        "create index i on models (model)",
        "create trigger t after insert on models for each row execute select 1",
        "select * from python_map_function(models, 1)",
        "select * from arrow_scan(1, 2, 3)",
        "select * from arrow_scan_dumb(140000000000000, 140000000000000, 140000000000000)",
        "select * from pandas_scan(1)",
        "select * from python_arrow_scan(140000000000000)",
    ],
    "statements kept for later": [
        "prepare p as select 1",
        "prepare p as copy tokens to '{folder}/out.csv'",
        "execute p",
        "execute p(1)",
        "deallocate p",
        "select ?",
        "select $1, $x",
        "declare c cursor for select 1",
        "copy (execute p) to '{folder}/out.csv'",
    ],
    "strange text": [
        "select 1\0; drop view tokens",
        "\0",
        "select '\0'",
        "select '\ud800'",
        "select '" + "\U0001f4a5" * 1000 + "'",
        "sel\u200bect 1",
        "select * from \u202esnekot",
        "select * from tokens where word = 'x' -- \u2028 ; drop view tokens",
        "\ufeffselect 1",
        "select 'x" + "y" * 90_000,
        "select '" + "y" * 99_000 + "'",
        "select '" + "y" * 200_000 + "'",
        "select \"" + "a" * 50_000 + "\" from tokens",
        "select $$ $$ || $a$ ; drop view tokens $a$",
        "select e'\\x00\\377'",
        "select 1 as \"<script>alert(1)</script>\", '<img src=x onerror=alert(1)>' as \"**b**\"",
    ],
    "deep nesting": [
        "select " + "(" * _DEEP + "1" + ")" * _DEEP,
        "select " + "not " * _DEEP + "true",
        "select " + "-" + "- " * _DEEP + "1",
        "select " + "1 + " * _DEEP + "1",
        "select " + "[" * _DEEP + "]" * _DEEP,
        "select " + "abs(" * _DEEP + "1" + ")" * _DEEP,
        "select * from " + "(select * from " * 5000 + "tokens" + ")" * 5000,
        " union all ".join(["select 1"] * 6000),
        "with " + ", ".join(f"a{n} as (select * from {f'a{n - 1}' if n else 'tokens'})" for n in range(2000))
        + " select count(*) from a1999",
        "with a0 as (select 1), " + ", ".join(f"a{n} as (select * from a{n - 1}, a{n - 1})" for n in range(1, 24))
        + " select count(*) from a23",
        "select case " + "when true then case " * 5000 + "when true then 1 " + "end " * 5001,
        "select " + "x." * 20_000 + "y",
        "select 1 in (" + ", ".join(["1"] * 30_000) + ")",
        "select * from tokens " + "join tokens using (t) " * 500,
        "select '" + "{{" * 20_000 + "'::json",
        "select " + "cast(" * 5000 + "1" + " as int)" * 5000,
    ],
    "what the system tells": [
        "select * from duckdb_settings()",
        "select * from duckdb_databases()",
        "select * from duckdb_extensions()",
        "select * from duckdb_logs",
        "select * from duckdb_temporary_files()",
        "select * from duckdb_memory()",
        "select * from duckdb_external_file_cache()",
        "select * from duckdb_views()",
        "select * from duckdb_variables()",
        "select * from pg_catalog.pg_settings",
        "select * from information_schema.tables",
        "select * from sqlite_master",
        "select sql from duckdb_tables()",
        "select current_user, current_database(), version(), pg_backend_pid()",
        "select * from tokens_files",
        "select filename, file_row_number from tokens",
        "explain select * from tokens",
        "explain analyze select count(*) from tokens",
        "explain (format json) select * from tokens",
        "summarize models",
    ],
}  # fmt: skip

SLOW = ("endless scalars", "huge strings", "recursion", "joins and memory")
"""Classes of which most have to be waited for: the usual tests run a few of each."""

SECRETS = ("root:x:", "/root", "RNNSTORE")
"""What no answer may hold, besides the store's own folder."""


def filled(attack: str, store: Path) -> str:
    """An attack that names files of a store."""
    if "{" not in attack:
        return attack
    parquet = next(iter(sorted(store.glob("model=*/tokens/*.parquet"))))
    names = {"folder": str(store), "parquet": str(parquet), "card": str(parquet.parents[1] / "card.json")}
    return attack.format(**names)


def fingerprints(*folders: Path) -> dict[str, str]:
    """Every file under some folders with a hash of its content."""
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def met(pool: Pool, store: rnnstore.Store, attack: str, any_statement: bool = False) -> tuple[str, str]:
    """What became of an attack, in a word, and the sentence or the beginning of the answer."""
    try:
        answer = pool.ask(store, attack, any_statement=any_statement).answer()
    except Stopped as error:
        return "stopped", str(error)
    except StoreError as error:
        text = str(error)
        return ("gate" if "it would" in text or "queries; ask one" in text else "refused"), text
    return "answered", str(answer.table.slice(0, 20).to_pylist())[:100_000]


def main(chosen: list[str]) -> None:
    from tests.support.stores import record_brackets

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        record_brackets(rnnstore.open(path), steps=600)
        store, before, here = rnnstore.open(path), fingerprints(path), set(Path.cwd().iterdir())
        pool = Pool(LIMITS, ahead=2)
        for name, attacks in ATTACKS.items():
            if chosen and name not in chosen:
                continue
            said = []
            for past_the_gate in (False, True):
                found = Counter(met(pool, store, filled(each, path), past_the_gate)[0] for each in attacks)
                said.append(", ".join(f"{count} {how}" for how, count in sorted(found.items())))
            assert fingerprints(path) == before, name
            assert set(Path.cwd().iterdir()) == here, name
            assert pool.ask(store, "select count(*) as n from tokens").answer().table.to_pylist() == [{"n": 600}], name
            print(f"| {name} | {len(attacks)} | {said[0]} | {said[1]} |", flush=True)
        pool.close()


if __name__ == "__main__":
    main(sys.argv[1:])
