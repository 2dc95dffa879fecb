/**
 * Every command that any client may send with any parameters: a domain, why its commands are harmless, their names.
 *
 * Harmless means: it does no more to the host, to other sessions and to the service than the page itself may do, or than
 * the client may do over REST. What a client does to its own browser is its own business. The commands that are looked
 * at or refused are in `restricted-commands.ts`; one that is in neither is answered as one that does not exist.
 */
export const ALLOWED_COMMANDS: Readonly<Record<string, readonly [why: string, names: string]>> = {
  Accessibility: [
    'reads what a page tells assistive technology',
    'disable enable getAXNodeAndAncestors getChildAXNodes getFullAXTree getPartialAXTree getRootAXNode queryAXTree',
  ],
  Ads: ['reads what the browser takes for advertisements on the page', 'getAdMetrics getAdScripts'],
  Animation: [
    'looks at animations of the page',
    `
    disable enable getCurrentTime getPlaybackRate releaseAnimations resolveAnimation seekAnimations setPaused
    setPlaybackRate setTiming`,
  ],
  Audits: ['reports problems of the page', 'checkFormsIssues disable enable getEncodedResponse'],
  Autofill: ['fills forms with values the client brings', 'disable enable setAddresses trigger'],
  BackgroundService: [
    'watches background events of the page’s service workers',
    'clearEvents setRecording startObserving stopObserving',
  ],
  BluetoothEmulation: [
    'simulates devices; none of the host is used',
    `
    addCharacteristic addDescriptor addService disable enable removeCharacteristic removeDescriptor removeService
    setSimulatedCentralState simulateAdvertisement simulateCharacteristicOperationResponse
    simulateDescriptorOperationResponse simulateGATTDisconnection simulateGATTOperationResponse
    simulatePreconnectedPeripheral`,
  ],
  Browser: [
    'windows, permissions and downloads of the own browser',
    `
    addMockCamera addPrivacySandboxEnrollmentOverride cancelDownload getGlobalPrivacyControl getHistogram
    getHistograms getVersion getWindowBounds getWindowForTarget grantPermissions resetPermissions setContentsSize
    setDockTile setGlobalPrivacyControl setPermission setWindowBounds`,
  ],
  CSS: [
    'reads and changes styles of the page',
    `
    addRule collectClassNames createStyleSheet disable enable forcePositionTryOption forcePseudoState
    forceStartingStyle getAnimatedStylesForNode getBackgroundColors getComputedStyleForNode getEnvironmentVariables
    getInlineStylesForNode getLayersForNode getLocationForSelector getLonghandProperties getMatchedStylesForNode
    getMediaQueries getPlatformFontsForNode getStyleSheetText resolveValues setContainerQueryConditionText
    setContainerQueryText setEffectivePropertyValueForNode setKeyframeKey setLocalFontsEnabled setMediaText
    setNavigationText setPropertyRulePropertyName setRuleSelector setScopeText setStyleSheetText setStyleTexts
    setSupportsText startRuleUsageTracking stopRuleUsageTracking takeComputedStyleUpdates takeCoverageDelta
    trackComputedStyleUpdates trackComputedStyleUpdatesForNode`,
  ],
  CacheStorage: [
    'storage of the own pages',
    'deleteCache deleteEntry requestCacheNames requestCachedResponse requestEntries',
  ],
  Cast: ['stops what is not allowed to start', 'disable'],
  Console: ['messages of the page', 'clearMessages disable enable'],
  CrashReportContext: ['what the page wants to have in its crash reports', 'getEntries'],
  DOM: [
    'reads and changes the page',
    `
    clearTextMarkers collectClassNamesFromSubtree copyTo describeNode disable discardSearchResults enable focus
    forceShowInterest forceShowPopover getAnchorElement getAttributes getBoxModel getContainerForNode
    getContentQuads getDetachedDomNodes getDocument getElementByRelation getFileInfo getFlattenedDocument
    getFrameOwner getImplicitAnchorCandidates getNodeForLocation getNodeStackTraces getNodesForSubtreeByStyle
    getOuterHTML getQueryingDescendantsForContainer getRelayoutBoundary getSearchResults getTopLayerElements
    hideHighlight highlightNode highlightRect markUndoableState moveTo performSearch pushNodeByPathToFrontend
    pushNodesByBackendIdsToFrontend querySelector querySelectorAll redo removeAttribute removeNode requestChildNodes
    requestNode resolveNode scrollIntoViewIfNeeded setAttributeValue setAttributesAsText setInspectedNode
    setNodeName setNodeStackTracesEnabled setNodeValue setOuterHTML setTextMarker undo`,
  ],
  DOMDebugger: [
    'breakpoints in the page',
    `
    getEventListeners removeDOMBreakpoint removeEventListenerBreakpoint removeInstrumentationBreakpoint
    removeXHRBreakpoint setBreakOnCSPViolation setDOMBreakpoint setEventListenerBreakpoint
    setInstrumentationBreakpoint setXHRBreakpoint`,
  ],
  DOMSnapshot: ['reads the page', 'captureSnapshot disable enable getSnapshot'],
  DOMStorage: [
    'storage of the own pages',
    'clear disable enable getDOMStorageItems removeDOMStorageItem setDOMStorageItem',
  ],
  Debugger: [
    'debugs scripts of the page',
    `
    continueToLocation disable disassembleWasmModule enable evaluateOnCallFrame getPossibleBreakpoints
    getScriptSource getStackTrace getWasmBytecode nextWasmDisassemblyChunk pause pauseOnAsyncCall removeBreakpoint
    restartFrame resume searchInContent setAsyncCallStackDepth setBlackboxExecutionContexts setBlackboxPatterns
    setBlackboxedRanges setBreakpoint setBreakpointByUrl setBreakpointOnFunctionCall setBreakpointsActive
    setInstrumentationBreakpoint setPauseOnExceptions setReturnValue setScriptSource setSkipAllPauses
    setVariableValue stepInto stepOut stepOver`,
  ],
  DeviceAccess: ['watches prompts for devices', 'cancelPrompt disable enable'],
  DeviceOrientation: ['simulates a sensor', 'clearDeviceOrientationOverride setDeviceOrientationOverride'],
  DigitalCredentials: ['simulates a wallet', 'setVirtualWalletBehavior'],
  Emulation: [
    'what the page sees of its device',
    `
    addScreen canEmulate clearDeviceMetricsOverride clearDevicePostureOverride clearDisplayFeaturesOverride
    clearGeolocationOverride clearIdleOverride getOverriddenSensorInformation getScreenInfos removeScreen
    resetPageScaleFactor setAutoDarkModeOverride setAutomationOverride setCPUPerformanceOverride
    setCPUThrottlingRate setDataSaverOverride setDefaultBackgroundColorOverride setDeviceMetricsOverride
    setDevicePostureOverride setDisabledImageTypes setDisplayFeaturesOverride setDocumentCookieDisabled
    setEmitTouchEventsForMouse setEmulatedMedia setEmulatedOSTextScale setEmulatedVisionDeficiency
    setFocusEmulationEnabled setGeolocationOverride setHardwareConcurrencyOverride setIdleOverride setLocaleOverride
    setNavigatorOverrides setPageScaleFactor setPressureSourceOverrideEnabled setPressureStateOverride
    setPrimaryScreen setSafeAreaInsetsOverride setScriptExecutionDisabled setScrollbarsHidden
    setSensorOverrideEnabled setSensorOverrideReadings setSmallViewportHeightDifferenceOverride setTimezoneOverride
    setTouchEmulationEnabled setUserAgentOverride setVirtualKeyboardGeometryOverride setVirtualTimePolicy
    setVisibleSize updateScreen`,
  ],
  EventBreakpoints: ['breakpoints in the page', 'disable removeInstrumentationBreakpoint setInstrumentationBreakpoint'],
  Extensions: [
    'extensions of the own browser',
    'clearStorageItems getStorageItems removeStorageItems setStorageItems triggerAction uninstall',
  ],
  FedCm: [
    'dialogs of the own browser',
    'clickDialogButton disable dismissDialog enable openUrl resetCooldown selectAccount',
  ],
  Fetch: [
    'requests of the page',
    `
    continueResponse continueWithAuth disable enable failRequest fulfillRequest getResponseBody
    takeResponseBodyAsStream`,
  ],
  FileSystem: ['the private file system of an origin, which lies in the browser’s profile', 'getDirectory'],
  FindInPage: ['searches the page', 'findFirst findNext findPrev stop'],
  HeadlessExperimental: ['frames on demand', 'beginFrame disable enable'],
  HeapProfiler: [
    'memory of the page’s scripts',
    `
    addInspectedHeapObject collectGarbage disable enable getHeapObjectId getObjectByHeapObjectId getSamplingProfile
    startSampling startTrackingHeapObjects stopSampling stopTrackingHeapObjects takeHeapSnapshot`,
  ],
  IO: ['reads streams other commands have opened', 'close read resolveBlob'],
  IndexedDB: [
    'storage of the own pages',
    `
    clearObjectStore deleteDatabase deleteObjectStoreEntries disable enable getMetadata requestData requestDatabase
    requestDatabaseNames`,
  ],
  Input: [
    'mouse, keyboard and touch of the page',
    `
    cancelDragging dispatchKeyEvent dispatchMouseEvent dispatchTouchEvent emulateTouchFromMouseEvent
    imeSetComposition insertText setIgnoreInputEvents setInterceptDrags synthesizePinchGesture
    synthesizeScrollGesture synthesizeTapGesture`,
  ],
  Inspector: ['tells that a target is gone', 'disable enable'],
  LayerTree: [
    'how the page is composited',
    `
    compositingReasons disable enable loadSnapshot makeSnapshot profileSnapshot releaseSnapshot replaySnapshot
    snapshotCommandLog`,
  ],
  Log: ['messages of the page', 'clear disable enable startViolationsReport stopViolationsReport'],
  Media: ['watches players of the page', 'disable enable'],
  Memory: [
    'memory of the page',
    `
    forciblyPurgeJavaScriptMemory getDOMCounters getDOMCountersForLeakDetection prepareForLeakDetection
    setPressureNotificationsSuppressed simulatePressureNotification startSampling stopSampling`,
  ],
  Network: [
    'requests, cookies and cache of the own browser',
    `
    canClearBrowserCache canClearBrowserCookies canEmulateNetworkConditions clearBrowserCache clearBrowserCookies
    configureDurableMessages deleteCookies deleteDeviceBoundSession disable emulateNetworkConditions
    emulateNetworkConditionsByRule enable enableDeviceBoundSessions enableReportingApi fetchSchemefulSite
    getAllCookies getCertificate getCookies getRequestPostData getResponseBody getSecurityIsolationStatus
    overrideNetworkState replayXHR searchInResponseBody setAttachDebugStack setBlockedURLs setBypassServiceWorker
    setCacheDisabled setCookie setCookieControls setCookies setExtraHTTPHeaders setUserAgentOverride
    streamResourceContent`,
  ],
  Overlay: [
    'highlights on the page',
    `
    disable enable getGridHighlightObjectsForTest getHighlightObjectForTest getSourceOrderHighlightObjectForTest
    hideHighlight highlightFrame highlightNode highlightQuad highlightRect highlightSourceOrder setInspectMode
    setPausedInDebuggerMessage setShowAdHighlights setShowContainerQueryOverlays setShowDebugBorders
    setShowDisplayCutout setShowFPSCounter setShowFlexOverlays setShowGridOverlays setShowHinge
    setShowHitTestBorders setShowInspectedElementAnchor setShowIsolatedElements setShowLayoutShiftRegions
    setShowPaintRects setShowScrollBottleneckRects setShowScrollSnapOverlays setShowViewportSizeOnResize
    setShowWebVitals setShowWindowControlsOverlay`,
  ],
  Page: [
    'the page itself',
    `
    addScriptToEvaluateOnLoad addScriptToEvaluateOnNewDocument bringToFront captureScreenshot captureSnapshot
    clearCompilationCache clearDeviceMetricsOverride clearDeviceOrientationOverride clearGeolocationOverride close
    crash createIsolatedWorld deleteCookie disable enable generateTestReport getAdScriptAncestry
    getAnnotatedPageContent getAppId getAppManifest getFrameTree getInstallabilityErrors getLayoutMetrics
    getManifestIcons getNavigationHistory getOriginTrials getPermissionsPolicyState getResourceContent
    getResourceTree getSiblingSubApps getSpellCheckCustomDictionary getSubApps handleJavaScriptDialog
    navigateToHistoryEntry printToPDF produceCompilationCache reload removeScriptToEvaluateOnLoad
    removeScriptToEvaluateOnNewDocument resetNavigationHistory screencastFrameAck searchInResource
    setAdBlockingEnabled setBypassCSP setDeviceMetricsOverride setDeviceOrientationOverride setDocumentContent
    setFontFamilies setFontSizes setGeolocationOverride setInputVisualization setInterceptFileChooserDialog
    setLifecycleEventsEnabled setPrerenderingAllowed setRPHRegistrationMode setSPCTransactionMode
    setTouchEmulationEnabled setWebLifecycleState startScreenRecording startScreencast stopLoading
    stopScreenRecording stopScreencast waitForDebugger`,
  ],
  Performance: ['measures the page', 'disable enable getMetrics setTimeDomain'],
  PerformanceTimeline: ['measures the page', 'enable'],
  Preload: ['watches speculative loading of the page', 'disable enable'],
  Profiler: [
    'measures scripts of the page',
    `
    disable enable getBestEffortCoverage setSamplingInterval start startPreciseCoverage stop stopPreciseCoverage
    takePreciseCoverage`,
  ],
  Runtime: [
    'runs scripts in the page, which the page may do as well',
    `
    addBinding awaitPromise callFunctionOn compileScript disable discardConsoleEntries enable evaluate
    getExceptionDetails getHeapUsage getIsolateId getProperties globalLexicalScopeNames queryObjects releaseObject
    releaseObjectGroup removeBinding runIfWaitingForDebugger runScript setAsyncCallStackDepth
    setCustomObjectFormatterEnabled setMaxCallStackSizeToCapture terminateExecution`,
  ],
  Schema: ['names the domains there are', 'getDomains'],
  Security: [
    'how the own browser takes certificates',
    'disable enable handleCertificateError setIgnoreCertificateErrors setOverrideCertificateErrors',
  ],
  ServiceWorker: [
    'service workers of the own pages',
    `
    deliverPushMessage disable dispatchPeriodicSyncEvent dispatchSyncEvent enable setForceUpdateOnPageLoad
    skipWaiting startWorker stopAllWorkers stopWorker unregister updateRegistration`,
  ],
  SmartCardEmulation: [
    'simulates a reader; none of the host is used',
    `
    disable enable reportBeginTransactionResult reportConnectResult reportDataResult reportError
    reportEstablishContextResult reportGetStatusChangeResult reportListReadersResult reportPlainResult
    reportReleaseContextResult reportStatusResult`,
  ],
  Storage: [
    'storage of the own pages',
    `
    clearCookies clearDataForOrigin clearDataForStorageKey clearPrivateVerificationTokens clearTrustTokens
    deletePrivateVerificationToken deleteStorageBucket getCookies getPrivateVerificationTokens
    getPrivateVerificationTokensIssuerConfigs getStorageKey getStorageKeyForFrame getTrustTokens getUsageAndQuota
    overrideQuotaForOrigin runBounceTrackingMitigations setCookies setPrivateVerificationTokensTracking
    setStorageBucketTracking trackCacheStorageForOrigin trackCacheStorageForStorageKey trackIndexedDBForOrigin
    trackIndexedDBForStorageKey untrackCacheStorageForOrigin untrackCacheStorageForStorageKey
    untrackIndexedDBForOrigin untrackIndexedDBForStorageKey`,
  ],
  SystemInfo: ['features and processes of the own browser', 'getFeatureState getProcessInfo'],
  Target: [
    'tabs, frames and workers of the own browser',
    `
    activateTarget attachToBrowserTarget attachToTarget autoAttachRelated closeTarget detachFromTarget
    disposeBrowserContext getBrowserContexts getDevToolsTarget getTargetInfo getTargets setAutoAttach
    setDiscoverTargets`,
  ],
  Tracing: [
    'measures the own browser',
    'end getCategories getTrackEventDescriptor recordClockSyncMarker requestMemoryDump',
  ],
  WebAudio: ['watches audio of the page', 'disable enable getRealtimeData'],
  WebAuthn: [
    'simulates an authenticator',
    `
    addCredential addVirtualAuthenticator clearCredentials disable enable getCredential getCredentials
    removeCredential removeVirtualAuthenticator setAutomaticPresenceSimulation setCredentialProperties
    setResponseOverrideBits setUserVerified`,
  ],
  WebMCP: ['tools a page offers', 'cancelInvocation disable enable invokeTool'],
};
