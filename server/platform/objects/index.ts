export { FolderObjectStore } from './folder-store.ts';
export { ObjectNotFoundError, type ObjectStore } from './object-store.ts';
