/** The little that an audio worklet can say, in the words of values.js. */
const MOMENTS = [new Date(Date.UTC(2026, 0, 15, 12)), new Date(Date.UTC(2026, 6, 15, 12))];

class Probe extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.postMessage({
      timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
      timezoneOffsets: MOMENTS.map((moment) => moment.getTimezoneOffset()),
      dateText: MOMENTS[1].toString(),
      intlLocale: new Intl.DateTimeFormat().resolvedOptions().locale,
      localDate: MOMENTS[1].toLocaleString(),
      maths: [Math.tan(-1e300), Math.sinh(1), Math.expm1(1)].join(),
    });
  }

  process() {
    return false;
  }
}

registerProcessor('probe', Probe);
