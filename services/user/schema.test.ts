import { testSchema } from '#kit/testing/schema-suite.ts';
import { entities, migrations } from './schema.ts';

testSchema({ entities, migrations });
