// Run before the script: the only time there is is the one given, and chance is the same each time, so that one script asked
// the same question twice gives the same answer. `now` is in milliseconds since 1970, `offset` in seconds east of UTC. `charge` takes work off and throws
// where none is left.
(function (now, offset, charge) {
    'use strict';
    const Real = Date;
    const shift = offset * 1000;
    const zoned = /(?:z|gmt|utc|[+-]\d\d:?\d\d)(?:\s*\(.*\))?\s*$/i;
    const dayAlone = /^\s*\d{4}(?:-\d\d){0,2}\s*$/;
    const parse = function (text) {
        text = String(text);
        if (zoned.test(text) || dayAlone.test(text)) return Real.parse(text);
        return Real.parse(text + (/^\s*\d{4}-/.test(text) ? 'Z' : ' GMT')) - shift;
    };
    const local = (date) => new Real(date.getTime() + shift);
    const Here = function Date(...given) {
        if (!new.target) return new Here().toString();
        let at = now;
        if (given.length === 1) {
            const value = given[0] instanceof Real ? given[0].getTime() : given[0];
            at = typeof value === 'string' ? parse(value) : Number(value);
        } else if (given.length > 1) {
            at = Real.UTC(...given) - shift;
        }
        return Reflect.construct(Real, [at], new.target);
    };
    Here.now = () => now;
    Here.UTC = Real.UTC;
    Here.parse = parse;
    Here.prototype = Real.prototype;
    Here.prototype.constructor = Here;
    for (const part of ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) {
        Here.prototype['get' + part] = function () { return local(this)['getUTC' + part](); };
        if (part === 'Day') continue;
        Here.prototype['set' + part] = function (...values) {
            const date = local(this);
            date['setUTC' + part](...values);
            return this.setTime(date.getTime() - shift);
        };
    }
    Here.prototype.getYear = function () { return this.getFullYear() - 1900; };
    Here.prototype.getTimezoneOffset = () => -offset / 60;
    for (const name of ['toString', 'toDateString', 'toTimeString', 'toLocaleString', 'toLocaleDateString',
        'toLocaleTimeString']) {
        Here.prototype[name] = function () { return local(this).toUTCString().replace(' GMT', ''); };
    }
    globalThis.Date = Here;

    // Errors are cheap to throw: their stack is not told, but for where they were thrown.
    Error.stackTraceLimit = 1;
    Object.defineProperty(Error, 'stackTraceLimit', { value: 1, writable: false, configurable: false });

    // The generator of Park and Miller (Communications of the ACM 31, 1988).
    let seed = 1;
    Math.random = () => {
        seed = seed * 16807 % 2147483647;
        return (seed - 1) / 2147483646;
    };

    // What the language works through in one operation is charged for before it starts, because the engine asks nobody on
    // the way: the text of a method of strings and what it looks for, as a product where it may compare each with each;
    // the length of a list, which may have four billion places and nothing in them. Regular expressions ask by themselves.
    const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
    const { isArray } = Array;
    const { defineProperty } = Object;
    const toText = String;
    const toNumber = Number;
    const { endsWith } = String.prototype;
    const Expression = RegExp;
    const { max, min, log2 } = Math;
    const atOnce = 64; // characters or places that cost one unit
    const replace = (holder, name, value) =>
        defineProperty(holder, name, { value, writable: true, enumerable: false, configurable: true });
    const charged = (holder, name, prepare) => {
        const native = getOwnPropertyDescriptor(holder, name)?.value;
        if (typeof native !== 'function') return;
        replace(holder, name, { [name](...given) { return apply(native, prepare(this, given, name), given); } }[name]);
    };

    const text = (self, given, name) => {
        if (self === null || self === undefined) return self;
        // Made a text once, so that what is charged for is what is worked on.
        const whole = typeof self === 'string' ? self : toText(self);
        let product = 1;
        for (let n = 0; n < given.length; n++) {
            const kind = typeof given[n];
            if (kind === 'string') product = max(product, given[n].length);
            else if (kind === 'object' && given[n] !== null && !(given[n] instanceof Expression)) {
                given[n] = toText(given[n]);
                product = max(product, given[n].length);
            }
        }
        if (name === 'repeat' || name === 'padStart' || name === 'padEnd') {
            given[0] = toNumber(given[0]);
            product = name === 'repeat' ? given[0] : max(1, given[0] / max(1, whole.length));
        }
        // These look each character up in tables.
        const isSlow = apply(endsWith, name, ['Case']) || name === 'normalize' || name === 'localeCompare';
        charge(max(whole.length, 1) * product * (isSlow ? 16 : 1) / atOnce);
        return whole;
    };
    const ofConstantCost = ['constructor', 'at', 'charAt', 'charCodeAt', 'codePointAt', 'toString', 'valueOf'];
    for (const name of ownKeys(String.prototype)) {
        if (typeof name === 'string' && !ofConstantCost.includes(name)) charged(String.prototype, name, text);
    }

    const places = (self) => {
        if (self === null || self === undefined) return 0;
        const length = typeof self === 'string' ? self.length : getOwnPropertyDescriptor(Object(self), 'length')?.value;
        // A length that is computed may be another one the next time.
        if (typeof length !== 'number') throw new TypeError('this is not a list');
        return max(length, 0);
    };
    const list = (self, given, name) => {
        let units = places(self) / atOnce;
        if (name === 'concat') {
            for (let n = 0; n < given.length; n++) {
                const isList = isArray(given[n]) || given[n]?.[Symbol.isConcatSpreadable];
                if (isList) units += places(given[n]) / atOnce;
            }
        }
        charge(units);
        return self;
    };
    const Lists = Array.prototype;
    const { map, sort } = Lists;
    // Those that compare texts do it in steps that the engine counts.
    const equal = {
        indexOf(wanted, from = 0) {
            const length = places(this);
            from = toNumber(from) || 0;
            for (let n = from < 0 ? max(length + from, 0) : from; n < length; n++) {
                if (n in this && this[n] === wanted) return n;
            }
            return -1;
        },
        lastIndexOf(wanted, ...from) {
            const length = places(this);
            const start = from.length ? toNumber(from[0]) || 0 : length - 1;
            for (let n = start < 0 ? length + start : min(start, length - 1); n >= 0; n--) {
                if (n in this && this[n] === wanted) return n;
            }
            return -1;
        },
        includes(wanted, from = 0) {
            const length = places(this);
            from = toNumber(from) || 0;
            for (let n = from < 0 ? max(length + from, 0) : from; n < length; n++) {
                if (this[n] === wanted || (wanted !== wanted && this[n] !== this[n])) return true;
            }
            return false;
        },
        sort(by) {
            const length = places(this);
            charge(length * log2(length + 2) / atOnce);
            const order = (a, b) => {
                const [one, other] = [toText(a), toText(b)];
                return one < other ? -1 : one > other ? 1 : 0;
            };
            return apply(sort, this, [by === undefined ? order : by]);
        },
        flat(depth = 1) {
            const flat = [];
            const walk = (from, depth) => {
                const length = places(from);
                for (let n = 0; n < length; n++) {
                    if (!(n in from)) continue;
                    if (isArray(from[n]) && depth >= 1) walk(from[n], depth - 1);
                    else flat[flat.length] = from[n];
                }
            };
            walk(this, toNumber(depth) || 0);
            return flat;
        },
        flatMap(by, self) {
            list(this);
            return apply(equal.flat, apply(map, this, [by, self]), [1]);
        },
    };
    const ofOneEnd = ['constructor', 'at', 'pop', 'push', 'toString'];
    for (const name of ownKeys(Lists)) {
        if (typeof name !== 'string' || ofOneEnd.includes(name)) continue;
        if (equal[name]) replace(Lists, name, equal[name]);
        else charged(Lists, name, list);
    }
    // A set, a map and what takes an iterator ask it natively, and one of a list with four billion places and nothing in
    // them is not through for minutes. A function of the language is counted each time.
    const ArrayIterator = getPrototypeOf([][Symbol.iterator]());
    const { next } = ArrayIterator;
    replace(ArrayIterator, 'next', { next() { return apply(next, this, []); } }.next);
    // What shares its parts becomes a text that doubles with each level, until memory ends.
    const { stringify } = JSON;
    replace(JSON, 'stringify', {
        stringify(...given) {
            // Throws where nothing is left, before anything is done.
            charge(1);
            let length = 5e7; // of one that failed, which is mostly because memory ended
            try {
                const text = apply(stringify, JSON, given);
                length = text === undefined ? 1 : text.length;
                return text;
            } finally {
                charge(length / 16);
            }
        },
    }.stringify);
    const Typed = getPrototypeOf(Uint8Array.prototype);
    const typedLength = getOwnPropertyDescriptor(Typed, 'length').get;
    for (const name of ownKeys(Typed)) {
        if (typeof name === 'string' && name !== 'constructor') {
            charged(Typed, name, (self) => {
                charge(apply(typedLength, self, []));
                return self;
            });
        }
    }
})
