export { issueServiceToken } from './issue-service-token.ts';
export { login } from './login.ts';
export { logout } from './logout.ts';
export { refresh } from './refresh.ts';
export { register } from './register.ts';
