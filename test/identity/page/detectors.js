/** Runs the detectors one after another, as a site would, and tells what they say. */
const detector = (name) => import(`/detector/${name}`);

const answer = async (run) => {
  try {
    return await Promise.race([
      run(),
      new Promise((_resolve, reject) => setTimeout(reject, 12_000, new Error('It did not answer in time'))),
    ]);
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
};

const botd = await answer(async () => {
  const { load } = await detector('botd');
  return (await load()).detect();
});

const fpscanner = await answer(async () => {
  const { default: Scanner } = await detector('fpscanner');
  const print = await new Scanner().collectFingerprint({ encrypt: false });
  const rules = Object.entries(print.fastBotDetectionDetails);
  return { detected: rules.filter(([, { detected }]) => detected).map(([name]) => name), rules: rules.length };
});

const fingerprintjs = await answer(async () => {
  const { load } = await detector('fingerprintjs');
  const { visitorId, components } = await (await load({ monitoring: false })).get();
  return { visitorId, components };
});

await fetch(`/detected${location.search}`, {
  method: 'POST',
  body: JSON.stringify({ botd, fpscanner, fingerprintjs }),
});
