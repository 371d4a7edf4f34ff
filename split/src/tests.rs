//! A module does the same whole and split, whatever ran before: tried with an interpreter, for many
//! choices of what ran.

use std::collections::BTreeSet;

use wasmi::{Caller, Engine, Error, Extern, Instance, Linker, Store, Val};

use crate::module::Module;
use crate::{mark, outline, parts};

/// Control flow of all kinds, in one function that is called with a number and gives one.
const MODULE: &str = r#"
(module
  (type $unary (func (param i32) (result i32)))
  (import "env" "fetch_rest_and_wait" (func $fetch))
  (memory (export "memory") 1)
  (data (i32.const 16) "kept")
  (data (i32.const 32) "later, for the rest alone")
  (global $stack (mut i32) (i32.const 1024))
  (table 6 funcref)
  (elem (i32.const 1) $double $negate $sum $deep)

  (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
  (func $negate (type $unary) (i32.sub (i32.const 0) (local.get 0)))

  ;; A loop with a way out in its middle, and a 64-bit local that is needed behind it.
  (func $sum (type $unary) (local $i i32) (local $s i64)
    (block $out
      (loop $next
        (br_if $out (i32.gt_s (local.get $i) (local.get 0)))
        (if (i32.and (local.get $i) (i32.const 1))
          (then
            (local.set $s (i64.add (local.get $s) (i64.extend_i32_s (local.get $i))))
            (br_if $out (i64.gt_s (local.get $s) (i64.const 60))))
          (else
            (local.set $s (i64.add (local.get $s) (i64.const 3)))
            (i32.store (local.get $i) (i32.wrap_i64 (local.get $s)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.wrap_i64 (local.get $s)))

  ;; Ways out to many labels, returns with a value, and a table of branches.
  (func $deep (type $unary) (local $a i32) (local $b i32) (local $c i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
    (local.set $a (i32.const 5))
    (block $done
      (block $two
        (block $one
          (block $zero
            (if (i32.gt_s (local.get 0) (i32.const 7))
              (then
                (local.set $b (i32.add (local.get 0) (i32.const 100)))
                (local.set $c (i32.mul (local.get $b) (local.get $a)))
                (br_if $two (i32.eq (local.get 0) (i32.const 9)))
                (br_if $one (i32.eq (local.get 0) (i32.const 10)))
                (if (i32.eq (local.get 0) (i32.const 11))
                  (then
                    (global.set $stack (i32.add (global.get $stack) (i32.const 16)))
                    (return (i32.add (local.get $c) (i32.const 7)))))
                (local.set $a (call $double (local.get $c)))
                (i32.store (i32.const 200) (i32.add (local.get $a) (local.get $b)))))
            (br_table $zero $one $two $done (i32.and (local.get 0) (i32.const 3))))
          (local.set $a (i32.add (local.get $a) (i32.const 1)))
          (local.set $b (call $sum (local.get $a))))
        (local.set $c (i32.add (local.get $b) (i32.const 2)))
        (i32.store (i32.const 204) (local.get $c)))
      (local.set $b (i32.sub (local.get $c) (local.get $a)))
      (i32.store (i32.const 208) (local.get $b)))
    (global.set $stack (i32.add (global.get $stack) (i32.const 16)))
    (i32.add (local.get $a) (i32.add (local.get $b) (local.get $c))))

  ;; Reads what only the rest has.
  (func $read_later (type $unary)
    (i32.load8_u offset=32 (i32.and (local.get 0) (i32.const 15))))

  ;; The same, if it ran: a function that only leaves by its end, without a result.
  (func $store (param i32)
    (if (i32.rem_s (local.get 0) (i32.const 3))
      (then
        (i32.store (i32.const 212) (i32.load (i32.const 16)))
        (i32.store (i32.const 216) (local.get 0))
        (return)))
    (i32.store (i32.const 220) (i32.add (local.get 0) (i32.const 1))))

  (func (export "main") (type $unary) (local $x i32)
    (call $store (local.get 0))
    (block $small
      (br_if $small (i32.lt_s (local.get 0) (i32.const 4)))
      (local.set $x
        (i32.add
          (call_indirect (type $unary) (local.get 0) (i32.add (i32.const 1) (i32.and (local.get 0) (i32.const 3))))
          (call $deep (local.get 0))))
      (local.set $x (i32.add (local.get $x) (call $read_later (local.get 0)))))
    (i32.add (local.get $x) (call $deep (i32.add (local.get 0) (i32.const 1)))))
  (func (export "later") (type $unary) (call $read_later (local.get 0))))
"#;

/// The bytes that `$read_later` alone reads.
const LATER: (u32, u32) = (32, 57);

/// What a call left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    result: i32,
    memory: Vec<u8>,
}

struct Host {
    engine: Engine,
    rest: Option<Vec<u8>>,
    fetched: u32,
}

/// Runs `main` and then `later` of a module for one number each, as a page would: the rest comes
/// when it is asked for.
fn run(first: &[u8], rest: Option<&[u8]>, number: i32) -> (Left, u32) {
    let engine = Engine::default();
    let host = Host {
        engine: engine.clone(),
        rest: rest.map(<[u8]>::to_vec),
        fetched: 0,
    };
    let mut store = Store::new(&engine, host);
    let mut linker: Linker<Host> = Linker::new(&engine);
    linker
        .func_wrap("env", "fetch_rest_and_wait", fetch)
        .unwrap();
    let module = wasmi::Module::new(&engine, first).unwrap();
    let instance: Instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let mut result = 0;
    for name in ["main", "later"] {
        let mut results = [Val::I32(0)];
        instance
            .get_func(&store, name)
            .unwrap()
            .call(&mut store, &[Val::I32(number)], &mut results)
            .unwrap();
        result = result * 31 + results[0].i32().unwrap();
    }
    let memory = instance.get_memory(&store, "memory").unwrap();
    let memory = memory.data(&store)[..4096].to_vec();
    (Left { result, memory }, store.data().fetched)
}

fn fetch(mut caller: Caller<'_, Host>) -> Result<(), Error> {
    let host = caller.data_mut();
    host.fetched += 1;
    let engine = host.engine.clone();
    let rest = host.rest.clone().expect("no rest to fetch");
    let module = wasmi::Module::new(&engine, &rest)?;
    let mut linker: Linker<Host> = Linker::new(&engine);
    for import in module.imports() {
        let export: Extern = caller.get_export(import.name()).unwrap();
        linker.define(import.module(), import.name(), export)?;
    }
    linker.instantiate_and_start(&mut caller, &module)?;
    Ok(())
}

fn marks() -> (Vec<u8>, u32) {
    let bytes = wat::parse_str(MODULE).unwrap();
    let module = Module::parse(&bytes).unwrap();
    let marks = module
        .code
        .iter()
        .map(|body| mark::marks_in(body).unwrap())
        .sum();
    (bytes, marks)
}

/// The two parts, if these marks were set.
fn split(bytes: &[u8], set: &BTreeSet<u32>, later: &[(u32, u32)]) -> parts::Parts {
    let outlined = outline::outline(bytes, set).unwrap();
    let module = Module::parse(&outlined.bytes).unwrap();
    parts::split(&module, &outlined.ran, later).unwrap()
}

#[test]
fn split_anyhow_it_does_the_same() {
    let (bytes, marks) = marks();
    // A generator of numbers without a crate: the low bits of a multiplication are poor, the high
    // ones good enough to choose marks.
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    let whole: Vec<Left> = (-2..16).map(|number| run(&bytes, None, number).0).collect();
    for round in 0..60 {
        let share = random() % 101;
        let set: BTreeSet<u32> = (0..marks).filter(|_| random() % 100 < share).collect();
        let parts = split(&bytes, &set, &[]);
        for (number, whole) in (-2..).zip(&whole) {
            let (left, fetched) = run(&parts.first, Some(&parts.rest), number);
            assert_eq!(
                left, *whole,
                "round {round}, number {number}, marks {set:?}"
            );
            assert!(fetched <= 1, "the rest comes once");
        }
    }
}

#[test]
fn what_ran_needs_no_rest() {
    let (bytes, marks) = marks();
    let parts = split(&bytes, &(0..marks).collect(), &[]);
    for number in -2..16 {
        assert_eq!(run(&parts.first, None, number).1, 0);
    }
}

#[test]
fn stretches_leave_the_functions_that_ran() {
    let (bytes, _) = marks();
    let module = Module::parse(&bytes).unwrap();
    // The begin of each function ran, and nothing behind a branch.
    let mut begins = BTreeSet::new();
    let mut mark = 0;
    for body in &module.code {
        begins.insert(mark);
        mark += mark::marks_in(body).unwrap();
    }
    let outlined = outline::outline(&bytes, &begins).unwrap();
    assert!(!outlined.stretches.is_empty());
    let parts = split(&bytes, &begins, &[]);
    assert!(
        parts.first.len() < bytes.len() + 300,
        "{}",
        parts.first.len()
    );
}

#[test]
fn bytes_that_the_rest_reads_come_with_it() {
    let (bytes, marks) = marks();
    let module = Module::parse(&bytes).unwrap();
    // All but `$read_later`, which is the sixth function that is defined.
    let mut set: BTreeSet<u32> = (0..marks).collect();
    let before: u32 = module.code[..5]
        .iter()
        .map(|body| mark::marks_in(body).unwrap())
        .sum();
    set.remove(&before);
    let parts = split(&bytes, &set, &[LATER]);
    let has = |part: &[u8]| {
        let text = b"for the rest alone";
        part.windows(text.len()).any(|window| window == text)
    };
    assert!(!has(&parts.first) && has(&parts.rest));
    for number in -2..16 {
        let whole = run(&bytes, None, number).0;
        assert_eq!(run(&parts.first, Some(&parts.rest), number).0, whole);
    }
}

#[test]
fn marks_are_set_where_code_runs() {
    let (bytes, marks) = marks();
    let marked = mark::mark(&bytes).unwrap();
    let set = |number: i32| -> BTreeSet<u32> {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let mut linker: Linker<()> = Linker::new(&engine);
        linker
            .func_wrap("env", "fetch_rest_and_wait", || ())
            .unwrap();
        let module = wasmi::Module::new(&engine, &marked).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        // All that `run` calls.
        for name in ["main", "later"] {
            let function = instance.get_func(&store, name).unwrap();
            function
                .call(&mut store, &[Val::I32(number)], &mut [Val::I32(0)])
                .unwrap();
        }
        (0..marks)
            .filter(|mark| {
                let global = instance.get_global(&store, &format!("ran.{mark}")).unwrap();
                global.get(&store).i32() == Some(1)
            })
            .collect()
    };
    let (small, large) = (set(1), set(12));
    assert!(small.len() < large.len() && (large.len() as u32) < marks);
    // What ran is enough: with these marks nothing is fetched for the same number.
    let parts = split(&bytes, &large, &[]);
    assert_eq!(run(&parts.first, Some(&parts.rest), 12).1, 0);
}
