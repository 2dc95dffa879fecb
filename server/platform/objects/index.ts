export { FolderObjectStore } from './folder-store.ts';
export { type ObjectInfo, ObjectNotFoundError, type ObjectStore } from './object-store.ts';
