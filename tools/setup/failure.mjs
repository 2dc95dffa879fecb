/** Something that the person at the keyboard must put right. The message is all that is shown: it says what is wrong and what to do. */
export class SetupFailure extends Error {
  name = 'SetupFailure';
}
