// What stands between a fresh context and the code of a task's author. Evaluated first in each context: it takes away
// and freezes (JS-6), keeps its own references to what it needs, and answers with the two functions that the engine
// calls: `run` and `finish`. Values leave as JSON text that is made here; the aggregator checks it all the same.
(function (host) {
    'use strict';
    const world = globalThis;
    const { freeze, isFrozen, keys, create, getPrototypeOf } = Object;
    const { defineProperty, getOwnPropertyNames, getOwnPropertyDescriptor } = Object;
    const { parse, stringify } = JSON;
    const { isArray, from: makeArray } = Array;
    const { isView } = ArrayBuffer;
    const { isInteger } = Number;
    const evaluate = world.eval;
    const makeFunction = Function;
    const makeAsyncFunction = (async () => {}).constructor;
    const promiseThen = Promise.prototype.then;
    const call = makeFunction.prototype.call.bind(makeFunction.prototype.call);
    const makeBuffer = ArrayBuffer, makeView = DataView, makeBytes = Uint8Array;
    const makeDate = Date, makeMap = Map, makeSet = Set, makePromise = Promise;
    const makeBigInt = BigInt, makeBoolean = Boolean, makeNumber = Number;
    const makeError = Error, makeTypeError = TypeError, makeRangeError = RangeError;
    const text = String;
    const integerArrays = [
        Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array,
        BigUint64Array,
    ];

    const depthLimit = 60;
    const outputLimit = 1048576;
    const errorLimit = 4096;
    const consoleLimit = 16384;

    // MARK: Taking away and freezing

    delete world.WebAssembly;
    delete world.Atomics;
    delete world.SharedArrayBuffer;
    delete world.console; // the engine's own, for debuggers

    // A frozen prototype would also forbid objects that inherit from it a property of the same name by assignment,
    // such as `this.name = ...` in a class that extends Error. An accessor that defines it on the object allows that.
    function allowOverriding(prototype) {
        for (const name of getOwnPropertyNames(prototype)) {
            const property = getOwnPropertyDescriptor(prototype, name);
            if (!property.configurable || !('value' in property)) continue;
            const value = property.value;
            defineProperty(prototype, name, {
                get: () => value,
                set(other) {
                    if (this === prototype) throw new makeTypeError('the built-in prototypes are frozen');
                    defineProperty(this, name, { value: other, writable: true, enumerable: true, configurable: true });
                },
                enumerable: false, configurable: false,
            });
        }
    }

    // The object and what it inherits from.
    function freezeUpwards(object) {
        for (; object !== null && !isFrozen(object); object = getPrototypeOf(object)) freeze(object);
    }

    // Freezing is most of what a context costs, and most scripts name few classes. So the prototypes that nothing but a
    // name leads to are frozen when a script first says the name: whoever reaches them finds them frozen.
    function freezeWhenNamed(name, freezePrototypes) {
        const value = world[name];
        let isFresh = true;
        const define = (value) => {
            defineProperty(world, name, { value, writable: true, enumerable: false, configurable: true });
        };
        defineProperty(world, name, {
            get() {
                if (isFresh) {
                    isFresh = false;
                    freezePrototypes(value);
                }
                define(value);
                return value;
            },
            set: define, enumerable: false, configurable: true,
        });
    }

    function freezePrototype(kind) { freezeUpwards(kind.prototype); }

    function freezeError(kind) {
        allowOverriding(kind.prototype);
        freezePrototype(kind);
    }

    function freezeWithIterator(kind) {
        freezePrototype(kind);
        freezeUpwards(getPrototypeOf(new kind().values()));
    }

    function freezeWithBuffer(kind) {
        freezePrototype(kind);
        freezePrototype(makeBuffer);
    }

    function freezeDate() {
        // The form that ends in `UTC`: a script has no other zone.
        const toUTCString = makeDate.prototype.toUTCString;
        defineProperty(makeDate.prototype, 'toString', {
            value: function toString() { return call(toUTCString, this).replace('GMT', 'UTC'); },
            writable: true, enumerable: false, configurable: true,
        });
        freezePrototype(makeDate);
    }

    function freezeMembers(namespace) {
        for (const name of getOwnPropertyNames(namespace)) {
            if (typeof namespace[name] === 'function') freezePrototype(namespace[name]);
        }
    }

    const onlyNamed = {
        Date: freezeDate, Intl: freezeMembers, Map: freezeWithIterator, Set: freezeWithIterator, EvalError: freezeError,
        WeakMap: freezePrototype, WeakSet: freezePrototype, WeakRef: freezePrototype,
        FinalizationRegistry: freezePrototype, ArrayBuffer: freezePrototype, DataView: freezeWithBuffer,
        Int8Array: freezeWithBuffer, Int16Array: freezeWithBuffer, Int32Array: freezeWithBuffer,
        Uint8Array: freezeWithBuffer, Uint16Array: freezeWithBuffer, Uint32Array: freezeWithBuffer,
        Uint8ClampedArray: freezeWithBuffer, BigInt64Array: freezeWithBuffer, BigUint64Array: freezeWithBuffer,
        Float16Array: freezeWithBuffer, Float32Array: freezeWithBuffer, Float64Array: freezeWithBuffer,
    };
    // What syntax makes and the engine throws, too. A test goes through all names of the world: none may be missing.
    const made = [Array, text, makeNumber, makeBoolean, makeBigInt, Symbol, RegExp, makePromise, Iterator];
    const thrown = [
        makeError, makeTypeError, makeRangeError, SyntaxError, ReferenceError, URIError, AggregateError,
    ];

    allowOverriding(Object.prototype);
    allowOverriding(makeFunction.prototype);
    thrown.forEach(freezeError);
    made.forEach(freezePrototype);
    for (const name of keys(onlyNamed)) if (name in world) freezeWhenNamed(name, onlyNamed[name]);
    // Those that have no name: what asynchronous functions, generators and iterators inherit from.
    for (const sample of [
        () => {}, async () => {}, function* () {}, function* () {}.prototype, async function* () {},
        async function* () {}.prototype, [].values(), [].values().map(isArray), ''[Symbol.iterator](),
        ''.matchAll(/a/g),
    ]) freezeUpwards(getPrototypeOf(sample));

    // MARK: Values as JSON

    const tags = {
        date: makeDate.prototype.getTime, map: makeMap.prototype.forEach, set: makeSet.prototype.forEach,
        boolean: makeBoolean.prototype.valueOf, number: makeNumber.prototype.valueOf, string: text.prototype.valueOf,
        bigint: makeBigInt.prototype.valueOf,
    };

    function wellFormed(string) { return string.isWellFormed() ? string : string.toWellFormed(); }

    function instant(date) {
        const milliseconds = call(tags.date, date);
        return milliseconds === milliseconds ? new makeDate(milliseconds).toISOString().replace('.000Z', 'Z') : null;
    }

    // A copy that JSON can carry. `above` are the objects that the value is inside of.
    function convert(value, above) {
        switch (typeof value) {
        case 'boolean': return value;
        case 'number': return value - value === 0 ? value : 0;
        case 'string': return wellFormed(value);
        case 'bigint': return text(value);
        case 'object': return value === null ? null : convertObject(value, above);
        default: return null;
        }
    }

    function convertObject(value, above) {
        if (value instanceof makeDate) return instant(value);
        if (value instanceof makePromise) return null;
        for (const seen of above) if (seen === value) throw new makeTypeError('the value contains itself');
        if (above.length >= depthLimit) throw new makeTypeError(`the value is more than ${depthLimit} levels deep`);
        above.push(value);
        const converted = convertMembers(value, above);
        above.pop();
        return converted;
    }

    function convertMembers(value, above) {
        if (isArray(value)) {
            const elements = [];
            for (let index = 0; index < value.length; index++) elements.push(convert(value[index], above));
            return elements;
        }
        if (value instanceof makeBuffer) return convertMembers(new makeBytes(value), above);
        if (value instanceof makeView) return create(null);
        if (isView(value)) return makeArray(value, (element) => convert(element, above));
        if (value instanceof makeMap) {
            const object = create(null);
            call(tags.map, value, (member, key) => { object[wellFormed(text(key))] = convert(member, above); });
            return object;
        }
        if (value instanceof makeSet) {
            const elements = [];
            call(tags.set, value, (member) => { elements.push(convert(member, above)); });
            return elements;
        }
        if (value instanceof makeBoolean) return call(tags.boolean, value);
        if (value instanceof makeNumber) return convert(call(tags.number, value), above);
        if (value instanceof text) return wellFormed(call(tags.string, value));
        if (value instanceof makeBigInt) return text(call(tags.bigint, value));
        if (typeof value.toJSON === 'function') return convert(value.toJSON(), above);
        const object = create(null);
        for (const key of keys(value)) object[wellFormed(key)] = convert(value[key], above);
        return object;
    }

    // MARK: Answers

    function describe(error) {
        try {
            let description;
            if (error instanceof makeError) {
                const name = text(error.name);
                let message = text(error.message);
                // The engine's own wording, said as everywhere else.
                if (name === 'ReferenceError') {
                    message = message.replace(/^Can't find variable: (.*)$/s, '$1 is not defined');
                }
                description = message ? `${name}: ${message}` : name;
            } else {
                description = typeof error === 'object' && error !== null ? stringify(convert(error, [])) : text(error);
            }
            return wellFormed(description.slice(0, errorLimit));
        } catch {
            return 'an error that cannot be described';
        }
    }

    function encodeError(error) { return stringify({ t: 'e', v: describe(error) }); }

    function encode(value) {
        try {
            if (value === undefined) return '{"t":"u"}';
            if (typeof value === 'number' && value - value !== 0) return stringify({ t: 'n', v: text(value) });
            if (typeof value === 'bigint') return stringify({ t: 'b', v: text(value) });
            if (typeof value === 'object' && value instanceof makeDate) {
                const milliseconds = call(tags.date, value);
                return milliseconds === milliseconds ? stringify({ t: 'd', v: milliseconds }) : '{"t":"j","v":null}';
            }
            if (typeof value === 'function' || typeof value === 'symbol') return '{"t":"u"}';
            const answer = stringify(convert(value, []));
            if (answer.length > outputLimit) {
                throw new makeRangeError(`output too large: ${answer.length} characters (max: ${outputLimit})`);
            }
            return `{"t":"j","v":${answer}}`;
        } catch (error) {
            return stringify({ t: 'e', v: `error converting result: ${describe(error)}` });
        }
    }

    // MARK: What custom code finds

    function define(name, value) {
        try {
            defineProperty(world, name, { value, writable: true, enumerable: true, configurable: true });
        } catch {
            // `undefined`, `NaN` and `Infinity` are what they are.
        }
    }

    function show(value) {
        if (typeof value === 'string') return value;
        if (value instanceof makeError) return describe(value);
        try {
            return typeof value === 'object' ? stringify(convert(value, [])) : text(value);
        } catch {
            return '[object]';
        }
    }

    let consoleLeft = consoleLimit;
    const log = (...values) => {
        if (consoleLeft < 0) return;
        let line = wellFormed(values.map(show).join(' '));
        if (line.length > consoleLeft) {
            line = wellFormed(line.slice(0, consoleLeft));
            line += `\u2026 (console output ends here: the limit is ${consoleLimit} bytes)`;
            consoleLeft = -1;
        } else {
            consoleLeft -= line.length + 1;
        }
        host('log', line);
    };

    // The functions of a module, what their instances inherit from, and the module itself.
    function freezeModule(exports) {
        for (const part of [...keys(exports).map((name) => exports[name]), exports]) {
            freeze(part);
            if (typeof part === 'function' && part.prototype) freeze(part.prototype);
        }
        return exports;
    }

    const modules = create(null);
    const require = (name) => {
        name = text(name);
        if (modules[name] !== undefined) return modules[name];
        const factory = host('module', name);
        if (factory === undefined) throw new makeError(`module not found: ${name}`);
        const module = { exports: {} };
        factory(module, module.exports, require, (array) => host('random', array));
        return modules[name] = freezeModule(module.exports);
    };

    const crypto = freeze({
        getRandomValues(array) {
            if (!integerArrays.some((kind) => array instanceof kind)) {
                throw new makeTypeError('crypto.getRandomValues wants a typed array of integers');
            }
            if (array.byteLength > 65536) {
                throw new makeTypeError(`crypto.getRandomValues: ${array.byteLength} bytes are more than 65536`);
            }
            host('random', array);
            return array;
        },
    });

    const compare = (left, right) => {
        const a = makeBigInt(left), b = makeBigInt(right);
        return a < b ? -1 : a > b ? 1 : 0;
    };

    const macros = {
        toBigInt: (value) => makeBigInt(value),
        bigCmp: compare,
        bigGt: (left, right) => compare(left, right) > 0,
        bigLt: (left, right) => compare(left, right) < 0,
        // `parseUnit("1.5", 6)` is 1500000n.
        parseUnit(value, decimals = 18) {
            const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text(value).trim());
            const places = makeNumber(decimals);
            if (!match || !(match[2] || match[3]) || !isInteger(places) || places < 0 || places > 255) {
                throw new makeTypeError(`parseUnit: not a decimal number: ${text(value).slice(0, 64)}`);
            }
            const fraction = match[3] ?? '';
            if (fraction.length > places) throw new makeRangeError(`parseUnit: more than ${places} decimals`);
            const magnitude = makeBigInt((match[2] || '0') + fraction.padEnd(places, '0'));
            return match[1] === '-' ? -magnitude : magnitude;
        },
    };

    // MARK: Running

    function defineVariables(variables) {
        const values = parse(variables);
        for (const name of keys(values)) define(name, values[name]);
    }

    // Whether it is to be tried as the code of an asynchronous function first: without one, `await (x)` is a call.
    function mayWait(source) { return /\bawait\b/.test(source); }

    function compileWaiting(source) {
        try {
            return makeAsyncFunction(source);
        } catch {
            return undefined; // the word means something else here, or nothing is right
        }
    }

    function runBody(source) {
        const compiled = mayWait(source) ? compileWaiting(source) : undefined;
        return (compiled ?? makeFunction(source))();
    }

    // One that waits has the value of its expression, if it is one: functions have no value of their last statement.
    function runScript(source) {
        if (!mayWait(source)) return evaluate(source);
        const compiled = compileWaiting(`return (\n${source}\n)`) ?? compileWaiting(source);
        return compiled ? compiled() : evaluate(source);
    }

    const kinds = {
        expression(source) { return makeFunction(`return (\n${source}\n)`)(); },
        script: runScript,
        body: runBody,
    };

    // For each list of arguments the encoded result of one call.
    function callEach(source, parameters, lists) {
        const compiled = makeFunction(...parse(parameters), source);
        const answers = [];
        for (const list of parse(lists)) {
            let answer;
            try {
                answer = encode(compiled(...list));
            } catch (error) {
                answer = encodeError(error);
            }
            answers.push(answer);
        }
        return answers;
    }

    let answer = () => '{"t":"u"}';

    // A settled promise counts as what it settled to; by the time of `finish` its jobs have run.
    function keep(value) {
        if (!(typeof value === 'object' && value instanceof makePromise)) {
            answer = () => encode(value);
            return;
        }
        answer = () => '{"t":"j","v":null}';
        const settle = (encode) => (result) => { answer = () => encode(result); };
        call(promiseThen, value, settle(encode), settle(encodeError));
    }

    return {
        run(kind, variables, source, parameters, lists) {
            try {
                const hasMacros = kind === 'script' || kind === 'body';
                if (hasMacros) {
                    define('console', freeze({ log, info: log, warn: log, error: log, debug: log }));
                    define('crypto', crypto);
                }
                defineVariables(variables);
                if (hasMacros) {
                    define('require', require);
                    for (const name of keys(macros)) define(name, macros[name]);
                }
                if (kind === 'call') {
                    const answers = callEach(source, parameters, lists);
                    answer = () => `[${answers.join(',')}]`;
                } else {
                    keep(kinds[kind](source));
                }
            } catch (error) {
                answer = () => encodeError(error);
            }
        },
        finish() { return answer(); },
    };
})
