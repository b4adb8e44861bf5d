// What stands between a fresh context and the code of a task's author. Evaluated first in each context: it keeps its
// own references to what it needs, and answers with the two functions that the engine calls: `run` and `finish`. Values
// leave as JSON text that is made here; the aggregator checks it all the same.
//
// Prototypes are frozen before a script reaches one (JS-6), and most scripts reach none. A name that leads to one is a
// word of the source: the engine looks for such words, and if there is one, `guard.js` runs before the script does.
// Without one, only values lead there, by the properties `constructor` and `__proto__` of the prototypes that syntax
// makes values of, and only if the source computes the name of a property. Then each of these properties is a gate: it
// calls the guard before it lets anyone through.
(function (host) {
    'use strict';
    const world = globalThis;
    const { keys, create, freeze, hasOwn, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
    const objectPrototype = Object.prototype;
    const { parse, stringify } = JSON;
    const makeList = Array;
    const { isArray, from: makeArray } = makeList;
    const evaluate = world.eval;
    const makeFunction = Function;

    const depthLimit = 60;
    const outputLimit = 1048576;
    const consoleLimit = 16384;
    const framesNeeded = 1000;

    // MARK: Gates

    const gates = [];
    let guarding;

    // Once in a context: takes away and freezes, and answers with what knows the classes of values.
    function guard() {
        if (guarding !== undefined) return guarding;
        passing(gates, () => {
            if (!hasConsole) delete world.console; // the engine's own, for debuggers
            guarding = host('guard', '')(host, {
                world, evaluate, makeFunction, keys, makeArray, parse, stringify, wellFormed, convert, define,
                defineUnlessGiven,
            });
            if (isRunning) defineHelpers(true);
        });
        return guarding;
    }

    // A script may have left too little of the stack, and what is frozen by half must not be open: so it is looked for
    // first, and what was opened is closed again. To close takes no more of the stack than to open did.
    function passing(opened, freezeAll) {
        if (isRunning) lookForStack(framesNeeded);
        try {
            for (let index = 0; index < opened.length; index++) setGate(opened[index], true);
            freezeAll();
        } catch (error) {
            for (let index = 0; index < opened.length; index++) setGate(opened[index], false);
            throw error;
        }
    }

    function lookForStack(frames) { return frames > 0 ? lookForStack(frames - 1) + 1 : 0; }

    function setGate(gate, isOpen) {
        if (gate.isOpen === isOpen) return;
        try {
            defineProperty(gate.prototype, gate.name, isOpen ? gate.original : gate.accessor);
            gate.isOpen = isOpen;
        } catch (error) {
            if (isOpen) throw error;
            // One that does not close is frozen.
        }
    }

    function putGate(prototype, name, freezeAll) {
        const gate = { prototype, name, isOpen: true, original: getOwnPropertyDescriptor(prototype, name) };
        const pass = () => { if (!gate.isOpen) freezeAll(gate); };
        gate.accessor = {
            get() {
                pass();
                return this[name];
            },
            set(value) {
                const isOwn = gate.original.writable && this !== prototype && typeof this === 'object';
                if (!isOwn) pass();
                try {
                    if (!isOwn) this[name] = value;
                    else defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
                } catch {
                    // What is frozen stays as it is.
                }
            },
            enumerable: false, configurable: true,
        };
        setGate(gate, false);
        gates.push(gate);
    }

    function freezeOnly(gate) { passing([gate], () => { freeze(gate.prototype); }); }

    function putGates() {
        const generatorFunction = getPrototypeOf(function* () {});
        const generator = generatorFunction.prototype;
        putGate(objectPrototype, '__proto__', guard);
        putGate(generatorFunction, 'prototype', guard); // where a bound generator function has none of its own
        for (const prototype of [
            objectPrototype, makeFunction.prototype, getPrototypeOf(''), getPrototypeOf(0), getPrototypeOf(true),
            getPrototypeOf(0n), generatorFunction, generator, getPrototypeOf(generator),
        ]) putGate(prototype, 'constructor', guard);
        // The engine itself asks for these, whenever it makes one array or regular expression of another. Of what they
        // have, only `fromAsync` leads on: to promises, and to errors without a `catch`.
        for (const value of [[], /a/]) putGate(getPrototypeOf(value), 'constructor', freezeOnly);
        if (hasOwn(makeList, 'fromAsync')) putGate(makeList, 'fromAsync', guard);
    }

    // MARK: Values as JSON

    function wellFormed(string) { return string.isWellFormed() ? string : string.toWellFormed(); }

    // Neither an array nor of any class.
    function isPlain(object) {
        const prototype = getPrototypeOf(object);
        return prototype === objectPrototype || prototype === null;
    }

    function isSpecial(value) {
        return typeof value === 'object' && value !== null && !isArray(value) && !isPlain(value);
    }

    // A copy that JSON can carry. `above` are the objects that the value is inside of.
    function convert(value, above) {
        switch (typeof value) {
        case 'boolean': return value;
        case 'number': return value - value === 0 ? value : 0;
        case 'string': return wellFormed(value);
        case 'bigint': return `${value}`;
        case 'object': return value === null ? null : convertObject(value, above);
        default: return null;
        }
    }

    function convertObject(value, above) {
        const isOfClass = isSpecial(value);
        if (isOfClass) {
            const leaf = guard().convertLeaf(value);
            if (leaf !== undefined) return leaf;
        }
        for (let index = 0; index < above.length; index++) {
            if (above[index] === value) throw guard().typeError('the value contains itself');
        }
        if (above.length >= depthLimit) {
            throw guard().typeError(`the value is more than ${depthLimit} levels deep`);
        }
        above.push(value);
        const converted =
            (isOfClass ? guard().convertCollection(value, above) : undefined) ?? convertMembers(value, above);
        above.pop();
        return converted;
    }

    function convertMembers(value, above) {
        if (isArray(value)) {
            const elements = [];
            for (let index = 0; index < value.length; index++) elements.push(convert(value[index], above));
            return elements;
        }
        if (typeof value.toJSON === 'function') return convert(value.toJSON(), above);
        const object = create(null);
        for (const key of keys(value)) object[wellFormed(key)] = convert(value[key], above);
        return object;
    }

    // MARK: Answers

    function encodeError(error) { return stringify({ t: 'e', v: guard().describe(error) }); }

    function encode(value) {
        try {
            if (value === undefined) return '{"t":"u"}';
            if (typeof value === 'number' && value - value !== 0) return stringify({ t: 'n', v: `${value}` });
            if (typeof value === 'bigint') return stringify({ t: 'b', v: `${value}` });
            if (typeof value === 'function' || typeof value === 'symbol') return '{"t":"u"}';
            const time = isSpecial(value) ? guard().timeOf(value) : undefined;
            if (time !== undefined) return time === time ? stringify({ t: 'd', v: time }) : '{"t":"j","v":null}';
            const answer = stringify(convert(value, []));
            if (answer.length > outputLimit) {
                throw guard().rangeError(`output too large: ${answer.length} characters (max: ${outputLimit})`);
            }
            return `{"t":"j","v":${answer}}`;
        } catch (error) {
            return stringify({ t: 'e', v: `error converting result: ${guard().describe(error)}` });
        }
    }

    // MARK: What a script finds

    function define(name, value) {
        try {
            defineProperty(world, name, { value, writable: true, enumerable: true, configurable: true });
        } catch {
            // `undefined`, `NaN` and `Infinity` are what they are.
        }
    }

    let isRunning = false;
    let isCustomCode = false;
    let hasConsole = false;
    let variables;

    function defineUnlessGiven(name, value) {
        if (!hasOwn(variables, name)) define(name, value);
    }

    function defineConsole() {
        hasConsole = true;
        defineUnlessGiven('console', freeze({ log, info: log, warn: log, error: log, debug: log }));
    }

    // What custom code finds, but its variables and what nothing can lead it to.
    function defineHelpers(saysConsole) {
        if (!isCustomCode) return;
        if (!hasConsole && saysConsole) defineConsole();
        if (guarding !== undefined) guarding.defineHelpers();
    }

    function show(value) {
        if (typeof value === 'string') return value;
        try {
            if (typeof value === 'symbol') return guard().text(value);
            if (typeof value !== 'object') return `${value}`;
            return (isSpecial(value) ? guard().describeIfError(value) : undefined) ?? stringify(convert(value, []));
        } catch {
            return '[object]';
        }
    }

    let consoleLeft = consoleLimit;
    function log(...values) {
        if (consoleLeft < 0) return;
        let line = '';
        for (let index = 0; index < values.length; index++) line += (index > 0 ? ' ' : '') + show(values[index]);
        line = wellFormed(line);
        if (line.length > consoleLeft) {
            line = wellFormed(line.slice(0, consoleLeft));
            line += `\u2026 (console output ends here: the limit is ${consoleLimit} bytes)`;
            consoleLeft = -1;
        } else {
            consoleLeft -= line.length + 1;
        }
        host('log', line);
    }

    // MARK: Running

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
        return `[${answers.join(',')}]`;
    }

    // The value of a source. One with the word `await` has met the guard.
    function valueOf(kind, source) {
        switch (kind) {
        case 'expression': return makeFunction(`return (\n${source}\n)`)();
        case 'script': return guarding === undefined ? evaluate(source) : guarding.runScript(source);
        case 'body': return (guarding?.compileWaiting(source) ?? makeFunction(source))();
        }
    }

    let answer = () => '{"t":"u"}';

    // A settled promise counts as what it settled to; by the time of `finish` its jobs have run.
    function keep(value) {
        if (!isSpecial(value) || !guard().isPromise(value)) {
            answer = () => encode(value);
            return;
        }
        answer = () => '{"t":"j","v":null}';
        guard().whenSettled(
            value, (result) => { answer = () => encode(result); }, (error) => { answer = () => encodeError(error); });
    }

    return {
        // `reach` is what the source can lead to: the `world` by its words, properties of `values` by names that it
        // computes, or `nothing`. `said` is `console` if that is one of its words.
        run(kind, reach, said, given, source, parameters, lists) {
            try {
                const saysConsole = said === 'console';
                isCustomCode = kind === 'script' || kind === 'body';
                variables = parse(given);
                if (reach === 'world' || (saysConsole && !isCustomCode)) guard();
                else if (reach === 'values') putGates();
                for (const name of keys(variables)) {
                    // The guard keeps references to the world: before a name of it means something else.
                    if (name in world) guard();
                    define(name, variables[name]);
                }
                defineHelpers(saysConsole || reach === 'world');
                isRunning = true;
                if (kind === 'call') {
                    const answers = callEach(source, parameters, lists);
                    answer = () => answers;
                } else {
                    keep(valueOf(kind, source));
                }
            } catch (error) {
                answer = () => encodeError(error);
            }
        },
        finish() { return answer(); },
    };
})
