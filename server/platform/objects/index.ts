export { deleteOlderThan } from './delete-older-than.ts';
export { FolderObjectStore } from './folder-store.ts';
export { ObjectNotFoundError, type ObjectStore, ObjectStoreError } from './object-store.ts';
export { S3ObjectStore, type S3Options } from './s3-store.ts';
