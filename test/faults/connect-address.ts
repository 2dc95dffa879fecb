import type { CreateSession } from '@guise/contract';

/** The address that makes a session of these options for whoever connects. */
export function connectAddress(
  serviceAddress: string,
  { metadata = {}, ...options }: CreateSession & { readonly keepAliveMs?: number },
): string {
  const url = new URL('/connect', serviceAddress.replace('http', 'ws'));
  for (const [name, value] of Object.entries(options)) {
    url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  for (const [name, value] of Object.entries(metadata)) url.searchParams.set(`metadata.${name}`, value);
  return url.href;
}
