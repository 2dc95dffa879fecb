/** A voice as pages see it. */
export interface PageVoice {
  readonly voiceURI: string;
  readonly name: string;
  readonly lang: string;
  readonly localService: boolean;
  readonly default: boolean;
}

/** What the script has to know; undefined leaves the browser's own. */
export interface RealmConfig {
  /** Random: the event by which realms share the registry. */
  readonly eventName: string;
  /** Random: the name of the script, by which it finds itself in stacks. */
  readonly scriptName: string;
  readonly gpu?: { readonly vendor: string; readonly renderer: string } | undefined;
  /** Of workers, which no command reaches, and of the windows of removed frames, which lose what was set. */
  readonly platform?: string | undefined;
  readonly voices?: readonly PageVoice[] | undefined;
  readonly colorDepth?: number | undefined;
  /** Whether `navigator.share` is there: stock Chromium crashes in it, having no dialog to show on Linux. */
  readonly sharing: boolean;
}
