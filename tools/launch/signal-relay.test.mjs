import { expect, it } from 'vitest';

import { SignalRelay } from './signal-relay.mjs';

function start() {
  const clock = { nowMs: 1000 };
  const sent = [];
  return { clock, sent, relay: new SignalRelay({ send: (signal) => sent.push(signal), now: () => clock.nowMs }) };
}

it('tells the service once of a Ctrl-C that arrives from the terminal and again from npm', () => {
  const { clock, sent, relay } = start();
  relay.pass('SIGINT');
  clock.nowMs += 20;
  relay.pass('SIGINT');
  expect(sent).toEqual(['SIGINT']);
});

it('takes a hang-up that follows a signal for the same wish', () => {
  const { clock, sent, relay } = start();
  relay.pass('SIGTERM');
  clock.nowMs += 5;
  relay.pass('SIGHUP');
  expect(sent).toEqual(['SIGTERM']);
});

it('passes on a second Ctrl-C that is pressed later', () => {
  const { clock, sent, relay } = start();
  relay.pass('SIGINT');
  clock.nowMs += 2_000;
  relay.pass('SIGINT');
  expect(sent).toEqual(['SIGINT', 'SIGINT']);
});

it('asks the service to end when the parent is gone, unless it was asked before', () => {
  const silent = start();
  silent.relay.passUnlessPassed('SIGTERM');
  expect(silent.sent).toEqual(['SIGTERM']);

  const asked = start();
  asked.relay.pass('SIGINT');
  asked.clock.nowMs += 10_000;
  asked.relay.passUnlessPassed('SIGTERM');
  expect(asked.sent).toEqual(['SIGINT']);
});
