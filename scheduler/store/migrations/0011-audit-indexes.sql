-- The audit log by what was done and by node, past the many entries of submits and of owners' own work.
CREATE INDEX auditOfWhat ON audit (what, id) WHERE what <> 'submit';
CREATE INDEX auditOfGrid ON audit (about, id) WHERE owner IS NULL;
