/**
 * A script for the main world that keeps what a driver needs there out of sight: its properties cannot be enumerated.
 *
 * Without `Runtime.enable` the browser puts a binding only into documents that are there, and the gateway into each new one as
 * soon as it hears of it. A call before that is kept, and made when the binding has come: not while it comes, which the browser would
 * not pass on. `values` are set by the driver.
 */
export function hiddenGlobals(bindings: readonly string[], values: readonly string[]): string {
  return `((bindings, values) => {
  const define = Object.defineProperty;
  const later = queueMicrotask;
  const hide = (name, value) => define(globalThis, name, { value, writable: true, configurable: true });
  for (const name of values) if (!(name in globalThis)) hide(name);
  for (const name of bindings) {
    if (name in globalThis) continue;
    const early = [];
    define(globalThis, name, {
      configurable: true,
      get: () => (text) => void early.push(text),
      set: (call) => {
        hide(name, call);
        later(() => early.splice(0).forEach((text) => call(text)));
      },
    });
  }
})(${JSON.stringify(bindings)}, ${JSON.stringify(values)})`;
}
