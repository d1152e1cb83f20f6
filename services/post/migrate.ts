import { migrateCommand } from '#kit/db/migrations.ts';
import { entities, migrations } from './schema.ts';

await migrateCommand({ service: 'post', entities, migrations });
