// Makes the tables and enrolls users, each with a password and an authenticator app.
import { symmetricEncrypt } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { auth, options } from "./auth.js";

const AT_ONCE = 16;
const users = Number(process.argv[2]);

const { runMigrations } = await getMigrations(options);
await runMigrations();
const context = await auth.$context;

async function enroll(number) {
  const user = await context.internalAdapter.createUser({
    email: `user-${number}@example.com`,
    name: `User ${number}`,
    emailVerified: true,
    twoFactorEnabled: true,
  });
  await context.internalAdapter.linkAccount({
    userId: user.id,
    providerId: "credential",
    accountId: user.id,
    password: "a password that costs no hash",
  });
  const key = context.secretConfig;
  const secret = await symmetricEncrypt({ key, data: `peer-secret-${String(number).padStart(8, "0")}` });
  const backupCodes = await symmetricEncrypt({ key, data: "[]" });
  await context.adapter.create({
    model: "twoFactor",
    data: { userId: user.id, secret, backupCodes, verified: true },
  });
}

let next = 0;
async function enrollSome() {
  while (next < users) {
    await enroll(next++);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, enrollSome));
await options.database.end();
