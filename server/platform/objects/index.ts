export { deleteOlderThan } from './delete-older-than.ts';
export { FolderObjectStore } from './folder-store.ts';
export { ObjectNotFoundError, type ObjectStore, ObjectStoreError } from './object-store.ts';
export type { S3ObjectStore, S3Options } from './s3-store.ts';
