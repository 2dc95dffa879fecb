/** Signs that a debugger listens in this realm: what only happens when somebody wants to see what is logged. */
function debuggerTraces() {
  const found = [];
  const note = (name) => {
    if (!found.includes(name)) found.push(name);
  };

  const prepare = Error.prepareStackTrace;
  for (const method of ['debug', 'log', 'info', 'dir', 'trace']) {
    Error.prepareStackTrace = () => {
      note(`Error.prepareStackTrace was called for console.${method}(error)`);
      return '';
    };
    console[method](new Error('probe'));
  }
  Error.prepareStackTrace = prepare;
  if (prepare === undefined) delete Error.prepareStackTrace;

  const bait = (make, name) => {
    for (const method of ['debug', 'dir']) console[method](make(() => note(`console.${method} looked at ${name}`)));
  };
  bait((seen) => Object.defineProperty(new Error('probe'), 'stack', { get: () => seen() }), 'the stack of an error');
  bait((seen) => Object.defineProperty({}, 'id', { get: () => seen(), enumerable: true }), 'a getter');
  bait((seen) => new Proxy({}, { ownKeys: (target) => (seen(), Reflect.ownKeys(target)) }), 'the keys of a proxy');
  bait((seen) => new Proxy({}, { getPrototypeOf: () => (seen(), null) }), 'the prototype of a proxy');

  const rows = Array.from({ length: 100 }, (_none, row) =>
    Object.fromEntries(Array.from({ length: 40 }, (_empty, column) => [`column${column}`, row * column])),
  );
  // The best of several: whatever else the machine does only adds to one.
  const time = (work) => {
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      work();
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  const plain = time(() => rows.map((row) => JSON.stringify(Object.entries(row))).join(''));
  const table = time(() => console.table(rows));
  console.clear();
  if (table > 10 * plain + 1)
    note(`console.table took ${table.toFixed(1)} ms, reading the same ${plain.toFixed(1)} ms`);
  return found;
}
