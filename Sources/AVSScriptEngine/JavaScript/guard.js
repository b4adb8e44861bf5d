// What a context does before a script reaches the prototypes (JS-6), and what it takes to know the classes of values.
// `own` is the driver's: references to what the script may have replaced since, and functions of the driver.
(function (host, own) {
    'use strict';
    const { world, evaluate, makeFunction, keys, makeArray, parse, stringify } = own;
    const { wellFormed, convert, define, defineUnlessGiven } = own;
    const { freeze, isFrozen, create, getPrototypeOf } = Object;
    const { defineProperty, getOwnPropertyNames, getOwnPropertyDescriptor } = Object;
    const { isView } = ArrayBuffer;
    // A script may have functions of these names: such names lead nowhere, so it may say them before this runs.
    const makeList = [].constructor, text = ''.constructor, makeNumber = 0..constructor, makeBigInt = 0n.constructor;
    const makeBoolean = true.constructor;
    const { isInteger } = makeNumber;
    const makeAsyncFunction = (async () => {}).constructor;
    const promiseThen = Promise.prototype.then;
    const call = makeFunction.prototype.call.bind(makeFunction.prototype.call);
    const makeBuffer = ArrayBuffer, makeView = DataView, makeBytes = Uint8Array;
    const makeDate = Date, makeMap = Map, makeSet = Set, makePromise = Promise;
    const makeError = Error, makeTypeError = TypeError, makeRangeError = RangeError;
    const integerArrays = [
        Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array,
        BigUint64Array,
    ];

    const errorLimit = 4096;

    // MARK: Taking away and freezing

    delete world.WebAssembly;
    delete world.Atomics;
    delete world.SharedArrayBuffer;

    // A frozen prototype would also forbid objects that inherit from it a property of the same name by assignment,
    // such as `this.name = ...` in a class that extends Error. An accessor that defines it on the object allows that.
    function allowOverriding(prototype) {
        for (const name of getOwnPropertyNames(prototype)) {
            const property = getOwnPropertyDescriptor(prototype, name);
            if (!property.configurable || !('value' in property)) continue;
            const value = property.value;
            defineProperty(prototype, name, {
                get: () => value,
                set(value) {
                    if (this === prototype) throw new makeTypeError('the built-in prototypes are frozen');
                    const object = this === undefined ? world : this; // as a name by itself, it is one of the world
                    if (typeof object !== 'object' && typeof object !== 'function') return;
                    defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
                },
                enumerable: false, configurable: true,
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
                if (isFresh) freezePrototypes(value);
                isFresh = false; // not before: the stack may have ended half-way
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

    function freezeIntl(intl) {
        for (const name of getOwnPropertyNames(intl)) {
            if (typeof intl[name] === 'function') freezePrototype(intl[name]);
        }
        const segments = new intl.Segmenter().segment('');
        freezeUpwards(getPrototypeOf(segments));
        freezeUpwards(getPrototypeOf(segments[Symbol.iterator]()));
    }

    const onlyNamed = {
        Date: freezeDate, Intl: freezeIntl, Map: freezeWithIterator, Set: freezeWithIterator, EvalError: freezeError,
        WeakMap: freezePrototype, WeakSet: freezePrototype, WeakRef: freezePrototype,
        FinalizationRegistry: freezePrototype, ArrayBuffer: freezePrototype, DataView: freezeWithBuffer,
        Int8Array: freezeWithBuffer, Int16Array: freezeWithBuffer, Int32Array: freezeWithBuffer,
        Uint8Array: freezeWithBuffer, Uint16Array: freezeWithBuffer, Uint32Array: freezeWithBuffer,
        Uint8ClampedArray: freezeWithBuffer, BigInt64Array: freezeWithBuffer, BigUint64Array: freezeWithBuffer,
        Float16Array: freezeWithBuffer, Float32Array: freezeWithBuffer, Float64Array: freezeWithBuffer,
    };
    // What syntax makes and the engine throws, too. A test goes through all names of the world: none may be missing.
    const made = [makeList, text, makeNumber, makeBoolean, makeBigInt, Symbol, RegExp, makePromise, Iterator];
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
        async function* () {}.prototype, [].values(), [].values().map(makeList), ''[Symbol.iterator](),
        ''.matchAll(/a/g), Iterator.from({ next() {} }),
    ]) freezeUpwards(getPrototypeOf(sample));

    // MARK: Values as JSON

    const tags = {
        date: makeDate.prototype.getTime, map: makeMap.prototype.forEach, set: makeSet.prototype.forEach,
        boolean: makeBoolean.prototype.valueOf, number: makeNumber.prototype.valueOf, string: text.prototype.valueOf,
        bigint: makeBigInt.prototype.valueOf,
    };

    function instant(date) {
        const milliseconds = call(tags.date, date);
        return milliseconds === milliseconds ? new makeDate(milliseconds).toISOString().replace('.000Z', 'Z') : null;
    }

    // Of a value that is one and not many; undefined for others.
    function convertLeaf(value) {
        if (value instanceof makeDate) return instant(value);
        if (value instanceof makePromise) return null;
        return undefined;
    }

    // Of a value whose members are not its properties; undefined for others.
    function convertCollection(value, above) {
        if (value instanceof makeBuffer) return makeArray(new makeBytes(value));
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
        return undefined;
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

    // MARK: What custom code finds

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

    // A source with the word `await` as the code of an asynchronous function: without one, `await (x)` is a call.
    function compileWaiting(source, code = source) {
        if (!/\bawait\b/.test(source)) return undefined;
        try {
            return makeAsyncFunction(code);
        } catch {
            return undefined; // the word means something else here, or nothing is right
        }
    }

    // One that waits has the value of its expression, if it is one: functions have no value of their last statement.
    function runScript(source) {
        const compiled = compileWaiting(source, `return (\n${source}\n)`) ?? compileWaiting(source);
        return compiled === undefined ? evaluate(source) : compiled();
    }

    return {
        convertLeaf, convertCollection, describe, text, runScript, compileWaiting,
        timeOf(value) { return value instanceof makeDate ? call(tags.date, value) : undefined; },
        describeIfError(value) { return value instanceof makeError ? describe(value) : undefined; },
        isPromise(value) { return value instanceof makePromise; },
        whenSettled(promise, keep, fail) { call(promiseThen, promise, keep, fail); },
        typeError(message) { return new makeTypeError(message); },
        rangeError(message) { return new makeRangeError(message); },
        defineHelpers() {
            defineUnlessGiven('crypto', crypto);
            define('require', require);
            for (const name of keys(macros)) define(name, macros[name]);
        },
    };
})
