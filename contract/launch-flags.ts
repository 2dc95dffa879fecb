/**
 * Chromium flags a client may pass as `launchArgs`.
 *
 * Kept to what changes rendering, media and certificate checks of the client's own browser. Nothing that moves the
 * browser's traffic, files, debugging endpoint, sandbox or identity: those are the service's to decide.
 */
export const ALLOWED_LAUNCH_FLAGS: readonly string[] = [
  '--allow-running-insecure-content',
  '--autoplay-policy',
  '--blink-settings',
  '--default-encoding',
  '--disable-gpu',
  '--disable-notifications',
  '--disable-popup-blocking',
  '--enable-unsafe-swiftshader',
  '--font-render-hinting',
  '--force-color-profile',
  '--force-dark-mode',
  '--force-prefers-reduced-motion',
  '--hide-scrollbars',
  '--ignore-certificate-errors',
  '--kiosk',
  '--mute-audio',
  '--start-fullscreen',
  '--start-maximized',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** Name of a flag without its value: `--a` of `--a=b`. */
export function launchFlagName(flag: string): string {
  return flag.split('=', 1)[0] ?? flag;
}
