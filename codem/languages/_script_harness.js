"use strict";
// Runs JavaScript and TypeScript programs. The answer lives in node's own realm and may change all of it; the tests
// live in a second one, made before the answer runs. Between them is one function, which copies arguments in and
// results out with what was taken aside at the start: what equals everything, or prints itself as anything, arrives as
// the data that it holds. Nothing here yields to the event loop, so nothing of the answer's runs after the tests.
const fs = require("fs"), vm = require("vm"), path = require("path"), { types } = require("util");

function main(entryPoint) {
  // ---- taken aside before the answer can touch it
  const { apply, construct, ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty } = Reflect;
  const PristineMap = Map, isArray = Array.isArray, asString = String, pristineRequire = require;
  const mapGet = Map.prototype.get, mapSet = Map.prototype.set, mapForEach = Map.prototype.forEach;
  const setAdd = Set.prototype.add, setForEach = Set.prototype.forEach;
  const mapClear = Map.prototype.clear, setClear = Set.prototype.clear;
  const hasOwn = Object.prototype.hasOwnProperty, toText = Object.prototype.toString, getPrototype = Reflect.getPrototypeOf;
  const getTime = Date.prototype.getTime, slice = String.prototype.slice;
  const unbox = [Number, String, Boolean].map((kind) => kind.prototype.valueOf);
  const typed = Object.getPrototypeOf(Uint8Array.prototype), typedSet = typed.set;
  const [typedName, typedLength, expSource, expFlags] = [
    [typed, Symbol.toStringTag], [typed, "length"], [RegExp.prototype, "source"], [RegExp.prototype, "flags"],
  ].map(([holder, key]) => getOwnPropertyDescriptor(holder, key).get);
  const {
    isProxy, isMap, isSet, isDate, isRegExp, isTypedArray, isNumberObject, isStringObject, isBooleanObject, isArgumentsObject,
  } = types;
  const write = fs.writeSync, exit = process.reallyExit.bind(process);
  const KINDS = "Object Array Map Set Date RegExp Number String Boolean Error TypeError Int8Array Uint8Array " +
    "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array " +
    "BigInt64Array BigUint64Array";
  const listKinds = `"use strict"; ({ __proto__: null, refuse: () => { throw new TypeError("no function") }, ` +
    KINDS.split(" ").map((kind) => `${kind}: globalThis.${kind}`).join(", ") + " })";

  const mark = fs.readFileSync(0, "latin1");
  const lines = { __proto__: null };
  for (const status of ["end", "wrong", "syntax"]) lines[status] = `\n${mark} ${status}\n`;

  function say(status) {
    for (;;) {
      try {
        write(1, lines[status]); // a text, not a buffer: those can be looked into
        break;
      } catch (error) {
        if (error.code !== "EAGAIN") exit(1);
      }
    }
    exit(status === "end" ? 0 : 1);
  }

  function fail(error) {
    try {
      const text = asString((error && error.stack) || error);
      write(2, apply(slice, text, [0, 4000]) + "\n");
    } catch (_) {} // an error that cannot be shown is still one
    exit(1);
  }

  // ---- copies between the realms

  function data(value) {
    return { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  }

  function copy(value, realm, seen) {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
    const known = apply(mapGet, seen, [value]);
    if (known !== undefined) return known;
    const made = shell(value, realm);
    apply(mapSet, seen, [value, made]);
    if (typeof made === "object" && !isProxy(value)) fill(value, made, realm, seen);
    return made;
  }

  function shell(value, realm) {
    if (isProxy(value)) return opaque(realm, "Proxy");
    if (typeof value === "function") return realm === answerRealm ? callback(value) : realm.refuse;
    if (isArray(value)) return new realm.Array();
    if (isMap(value)) return new realm.Map();
    if (isSet(value)) return new realm.Set();
    if (isDate(value)) return new realm.Date(apply(getTime, value, []));
    if (isRegExp(value)) return new realm.RegExp(apply(expSource, value, []), apply(expFlags, value, []));
    if (isTypedArray(value)) return new realm[apply(typedName, value, [])](apply(typedLength, value, []));
    if (isNumberObject(value)) return new realm.Number(apply(unbox[0], value, []));
    if (isStringObject(value)) return new realm.String(apply(unbox[1], value, []));
    if (isBooleanObject(value)) return new realm.Boolean(apply(unbox[2], value, []));
    const text = apply(toText, value, []);
    if (text !== "[object Object]" || isArgumentsObject(value)) return opaque(realm, text);
    return getPrototype(value) === null ? { __proto__: null } : new realm.Object();
  }

  function opaque(realm, kind) {
    const made = new realm.Object();
    defineProperty(made, Symbol.toStringTag, { __proto__: null, value: `not comparable: ${kind}` });
    return made;
  }

  function fill(value, made, realm, seen) {
    if (isMap(value)) {
      apply(mapForEach, value, [(item, key) => apply(mapSet, made, [copy(key, realm, seen), copy(item, realm, seen)])]);
    } else if (isSet(value)) {
      apply(setForEach, value, [(item) => apply(setAdd, made, [copy(item, realm, seen)])]);
    } else if (isTypedArray(value)) {
      apply(typedSet, made, [value]);
    } else if (!isStringObject(value)) {
      const keys = ownKeys(value);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i], found = getOwnPropertyDescriptor(value, key);
        if (typeof key === "symbol" || found === undefined) continue;
        if (isArray(value) && key === "length") {
          defineProperty(made, "length", { __proto__: null, value: found.value });
        } else if (found.enumerable) {
          const item = apply(hasOwn, found, ["value"]) ? found.value : value[key];
          defineProperty(made, key, data(copy(item, realm, seen)));
        }
      }
    }
  }

  /** Gives the tests' object the content that the answer gave to its copy. */
  function restore(original, changed, realm, seen) {
    if (typeof original === "function" || isTypedArray(original) !== isTypedArray(changed)) return;
    if (isMap(original)) apply(mapClear, original, []);
    else if (isSet(original)) apply(setClear, original, []);
    else if (!isTypedArray(original)) {
      const keys = ownKeys(original);
      for (let i = 0; i < keys.length; i++) {
        if (!apply(hasOwn, changed, [keys[i]]) && keys[i] !== "length") deleteProperty(original, keys[i]);
      }
    }
    fill(changed, original, realm, seen);
  }

  // ---- the tests' realm, and the answer's

  const context = vm.createContext(vm.constants?.DONT_CONTEXTIFY ?? {});
  const testRealm = vm.runInContext(listKinds, context), answerRealm = vm.runInThisContext(listKinds);
  let answer, fromAnswer;

  function entry(...given) {
    const inward = new PristineMap(), outward = new PristineMap(), args = [];
    for (let i = 0; i < given.length; i++) defineProperty(args, i, data(copy(given[i], answerRealm, inward)));
    let result;
    try {
      result = copy(apply(answer, undefined, args), testRealm, turned(inward, outward));
      apply(mapForEach, inward, [(changed, original) => restore(original, changed, testRealm, outward)]);
    } catch (error) {
      fromAnswer = { __proto__: null, shown: error, thrown: new testRealm.Error(described(error)) };
      throw fromAnswer.thrown;
    }
    return result;
  }

  /** A function that the tests hand to the answer: to be called, but no way into their realm. */
  function callback(ours) {
    return (...given) => {
      const args = new testRealm.Array();
      for (let i = 0; i < given.length; i++) defineProperty(args, i, data(copy(given[i], testRealm, new PristineMap())));
      return copy(apply(ours, undefined, args), answerRealm, new PristineMap());
    };
  }

  function turned(inward, outward) {
    apply(mapForEach, inward, [(made, original) => apply(mapSet, outward, [made, original])]);
    return outward;
  }

  function described(error) {
    try {
      return asString(error);
    } catch (_) {
      return "an error that cannot be shown";
    }
  }

  const check = (ok) => { if (ok !== true) say("wrong"); };
  const quiet = () => {};
  const testConsole = { log: quiet, error: quiet, warn: quiet, info: quiet, assert: (ok) => { if (!ok) say("wrong"); } };

  /** node's own assert, where a failure is a verdict */
  function checking(assert) {
    const wrap = (real) => (...given) => {
      try {
        apply(real, assert, given);
      } catch (_) {
        say("wrong");
      }
    };
    const made = wrap(assert);
    for (const key of Object.keys(assert)) if (typeof assert[key] === "function") made[key] = wrap(assert[key]);
    made.default = made;
    return made;
  }

  function md5(text) {
    return pristineRequire("crypto").createHash("md5").update(text).digest("hex");
  }
  md5.hex = md5;

  const read = (name) => fs.readFileSync(path.join(__dirname, name), "latin1");
  const testsSource = Buffer.from(read("tests.b64"), "base64").toString("utf8");
  const forTests = { __proto__: null, "js-md5": md5 };
  if (/["'](node:)?assert["']/.test(testsSource)) forTests.assert = forTests["node:assert"] = checking(require("assert"));
  const testNames = [entryPoint, "codem_check", "console", "require", "module", "exports"];
  const tests = vm.compileFunction(testsSource, testNames, { filename: "tests.js", parsingContext: context });

  // Modules that an honest answer may want; not those that reach into other realms, threads or the debugger.
  const modules = { __proto__: null };
  for (const name of ("assert assert/strict async_hooks buffer console constants crypto dns events fs fs/promises http " +
    "https net os path path/posix path/win32 perf_hooks process punycode querystring readline readline/promises stream " +
    "stream/promises string_decoder timers timers/promises tty url util util/types vm zlib").split(" ")) {
    modules[name] = modules["node:" + name] = name;
  }
  for (const name of ["binding", "_linkedBinding", "getBuiltinModule", "dlopen", "mainModule", "report"]) {
    delete process[name];
    if (process[name] !== undefined) defineProperty(process, name, data(undefined));
  }
  process.argv.length = 1;
  for (const name of ["stdout", "stderr"]) {
    // else a loop that prints piles it all up in memory; only when it is first used, because it takes time to make
    const { get } = getOwnPropertyDescriptor(process, name);
    defineProperty(process, name, { __proto__: null, configurable: true, enumerable: true, get() {
      const stream = apply(get, process, []);
      if (stream._handle && stream._handle.setBlocking) stream._handle.setBlocking(true);
      defineProperty(process, name, { __proto__: null, value: stream, configurable: true, enumerable: true });
      return stream;
    } });
  }
  const answerModule = { exports: {}, children: [], paths: [], filename: "/answer.js", id: ".", loaded: false };
  const answerRequire = (name) => {
    if (typeof name === "string" && modules[name] !== undefined) return pristineRequire(modules[name]);
    if (name === "js-md5") return md5;
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
  };
  answerRequire.main = answerModule;
  let code;
  try {
    const last = `\n;return typeof ${entryPoint} !== "undefined" ? ${entryPoint} : exports.${entryPoint};`;
    const names = ["exports", "require", "module", "__filename", "__dirname"];
    code = vm.compileFunction(fs.readFileSync(path.join(__dirname, "answer.js"), "utf8") + last, names, { filename: "answer.js" });
  } catch (error) {
    write(2, asString(error.stack || error) + "\n");
    say("syntax");
  }

  try {
    answer = apply(code, answerModule.exports, [answerModule.exports, answerRequire, answerModule, "/answer.js", "/"]);
  } catch (error) {
    fail(error);
  }
  try {
    const testModule = { exports: {} };
    const testRequire = (name) => forTests[name];
    apply(tests, undefined, [entry, check, testConsole, testRequire, testModule, testModule.exports]);
  } catch (error) {
    fail(fromAnswer !== undefined && error === fromAnswer.thrown ? fromAnswer.shown : error);
  }
  say("end");
}
