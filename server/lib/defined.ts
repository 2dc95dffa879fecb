/** The same members, those that are undefined left out. */
export type Defined<Members extends object> = { [Key in keyof Members]?: Exclude<Members[Key], undefined> };

/**
 * Leaves out members that are undefined.
 *
 * An optional member and one that is undefined are two things to `exactOptionalPropertyTypes`, and to those who count
 * an object's keys.
 */
export function defined<Members extends object>(members: Members): Defined<Members> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<Members>;
}
