export { AccessAudit, problemCodeOf } from './access-audit.ts';
export { AuditRepository } from './audit-repository.ts';
export { auditRoutes } from './audit-routes.ts';
export { AuditTrail } from './audit-trail.ts';
