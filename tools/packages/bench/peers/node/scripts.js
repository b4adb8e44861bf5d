// Runs scripts as a worker of ours does, as far as Node.js goes: a new context for each, JSON in and out, frames with
// their length before them. Without a sandbox, without frozen built-ins, with a compiler.
'use strict';
const net = require('net');
const vm = require('vm');

const socket = new net.Socket({ fd: 0 });
let pending = Buffer.alloc(0);

function run(body) {
    const { source, variables } = JSON.parse(body);
    const value = vm.runInContext(`(function () {${source}})()`, vm.createContext(variables), { timeout: 10_000 });
    const answer = Buffer.from(JSON.stringify(value ?? null));
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(answer.length);
    socket.write(Buffer.concat([prefix, answer]));
}

socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE()) {
        const end = 4 + pending.readUInt32BE();
        run(pending.subarray(4, end).toString());
        pending = pending.subarray(end);
    }
});
