/** What becomes of a command in a session that hides its client. */
export type Treatment =
  /** It is answered as done, and not sent. */
  | { readonly kind: 'ignore'; readonly why: string }
  | { readonly kind: 'refuse'; readonly why: string }
  /** The gateway has something to do with it; `HiddenSession` has its meaning. `clean`: only where it is not too long to be looked at. */
  | { readonly kind: 'handle' | 'clean'; readonly why: string };

/** What commands of a kind have in common: what becomes of them, why, and their names. */
type Row = readonly [kind: Treatment['kind'], why: string, names: string];

const WITHOUT = 'use a session with stealthLevel none';

/**
 * Every command that is treated otherwise in a session that hides its client. What is refused there is so on top of what is
 * refused everywhere; all others pass as they do without.
 */
export const HIDDEN_COMMANDS: readonly Row[] = [
  [
    'handle',
    'a page notices the Runtime domain: it is never on, and the gateway announces contexts and console messages itself',
    'Runtime.enable Runtime.disable Console.enable Console.disable',
  ],
  ['handle', 'frames are followed in it also when the client does not', 'Page.enable Page.disable'],
  [
    'clean',
    'traces that drivers leave in scripts are taken out',
    `Page.addScriptToEvaluateOnLoad Page.addScriptToEvaluateOnNewDocument Page.reload Runtime.callFunctionOn
    Runtime.compileScript Runtime.evaluate`,
  ],
  ['handle', 'its context is announced', 'Page.createIsolatedWorld'],
  ['handle', 'bindings of drivers get names that say nothing', 'Runtime.addBinding Runtime.removeBinding'],
  [
    'handle',
    'headers that belong to the identity stay as they are',
    'Network.setExtraHTTPHeaders Fetch.continueRequest',
  ],
  ['handle', 'the first request of the page has the client hints of the identity', 'Target.createTarget'],
  [
    'clean',
    'the first request of a tab that a click opens has the client hints of the identity',
    'Input.dispatchMouseEvent',
  ],
  ['handle', 'the command inside is treated as one outside', 'Target.sendMessageToTarget'],
  [
    'ignore',
    'the user agent, languages and platform belong to the identity',
    `Emulation.setUserAgentOverride Emulation.setNavigatorOverrides Emulation.setAutomationOverride
    Emulation.setHardwareConcurrencyOverride Network.setUserAgentOverride Browser.setGlobalPrivacyControl`,
  ],
  [
    'ignore',
    'locale and time zone belong to the identity',
    'Emulation.setLocaleOverride Emulation.setTimezoneOverride',
  ],
  [
    'ignore',
    'screen, window and scale belong to the identity',
    `Emulation.setDeviceMetricsOverride Emulation.clearDeviceMetricsOverride Emulation.setVisibleSize
    Emulation.addScreen Emulation.removeScreen Emulation.updateScreen Emulation.setPrimaryScreen
    Emulation.setDevicePostureOverride Emulation.clearDevicePostureOverride Emulation.setDisplayFeaturesOverride
    Emulation.clearDisplayFeaturesOverride Emulation.setSafeAreaInsetsOverride Emulation.setScrollbarsHidden
    Emulation.setSmallViewportHeightDifferenceOverride Emulation.setEmulatedOSTextScale
    Emulation.setVirtualKeyboardGeometryOverride Page.setDeviceMetricsOverride Page.clearDeviceMetricsOverride`,
  ],
  [
    'ignore',
    'touch belongs to the identity',
    `Emulation.setTouchEmulationEnabled Emulation.setEmitTouchEventsForMouse Page.setTouchEmulationEnabled
    Input.emulateTouchFromMouseEvent`,
  ],
  [
    'ignore',
    'the device belongs to the identity',
    `Emulation.setCPUPerformanceOverride Emulation.setDataSaverOverride Emulation.setPressureSourceOverrideEnabled
    Emulation.setPressureStateOverride Emulation.setSensorOverrideEnabled Emulation.setSensorOverrideReadings
    DeviceOrientation.setDeviceOrientationOverride DeviceOrientation.clearDeviceOrientationOverride
    Page.setDeviceOrientationOverride Page.clearDeviceOrientationOverride Network.overrideNetworkState`,
  ],
  [
    'ignore',
    'fonts and formats belong to the identity',
    'Page.setFontFamilies Page.setFontSizes Emulation.setDisabledImageTypes',
  ],
  [
    'refuse',
    `a page notices that its scripts can be stopped; ${WITHOUT}`,
    `Debugger.continueToLocation Debugger.disassembleWasmModule Debugger.enable Debugger.evaluateOnCallFrame
    Debugger.getPossibleBreakpoints Debugger.getScriptSource Debugger.getStackTrace Debugger.getWasmBytecode
    Debugger.nextWasmDisassemblyChunk Debugger.pause Debugger.pauseOnAsyncCall Debugger.removeBreakpoint
    Debugger.restartFrame Debugger.resume Debugger.searchInContent Debugger.setAsyncCallStackDepth
    Debugger.setBlackboxExecutionContexts Debugger.setBlackboxPatterns Debugger.setBlackboxedRanges
    Debugger.setBreakpoint Debugger.setBreakpointByUrl Debugger.setBreakpointOnFunctionCall
    Debugger.setBreakpointsActive Debugger.setInstrumentationBreakpoint Debugger.setPauseOnExceptions
    Debugger.setReturnValue Debugger.setScriptSource Debugger.setSkipAllPauses Debugger.setVariableValue
    Debugger.stepInto Debugger.stepOut Debugger.stepOver DOMDebugger.setBreakOnCSPViolation
    DOMDebugger.setDOMBreakpoint DOMDebugger.setEventListenerBreakpoint DOMDebugger.setInstrumentationBreakpoint
    DOMDebugger.setXHRBreakpoint EventBreakpoints.setInstrumentationBreakpoint`,
  ],
  [
    'refuse',
    `it runs formatters of the page, which notices that; ${WITHOUT}`,
    'Runtime.setCustomObjectFormatterEnabled',
  ],
  [
    'refuse',
    `a page notices that its time stands still; ${WITHOUT}`,
    'Emulation.setVirtualTimePolicy HeadlessExperimental.beginFrame HeadlessExperimental.enable',
  ],
];

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map(
  HIDDEN_COMMANDS.flatMap(([kind, why, names]) =>
    names.split(/\s+/).map((name): [string, Treatment] => [name, { kind, why }]),
  ),
);

/** What becomes of a command in a session that hides its client; undefined: what becomes of it everywhere. */
export function treatmentOf(method: string): Treatment | undefined {
  return TREATMENTS.get(method);
}
