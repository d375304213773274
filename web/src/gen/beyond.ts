// Made by `npm run types` from the server's openapi.json; do not edit.

export interface paths {
    "/ext/v1/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See where the documents come from */
        get: operations["get_documents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/documents/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Replace a document */
        put: operations["put_documents_by_name"];
        post?: never;
        /** Restore the default of a document */
        delete: operations["delete_documents_by_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow several requests of all kinds in one stream of server-sent events */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/jobs/{id}/progress": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Report the progress of a job */
        post: operations["post_jobs_by_id_progress"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/kudos/adjust": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give or take kudos by hand, with a reason; for administrators */
        post: operations["post_kudos_adjust"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/kudos/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See what moved your kudos, newest first */
        get: operations["get_kudos_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/kudos/net": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See which network prices pictures */
        get: operations["get_kudos_net"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/kudos/price": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** See what a request would cost, line by line */
        post: operations["post_kudos_price"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/references": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the kept model references */
        get: operations["get_references"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/references/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Load a model reference */
        put: operations["put_references_by_kind"];
        post?: never;
        /** Forget a model reference */
        delete: operations["delete_references_by_kind"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/refused-prompts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the prompts that the filters refused */
        get: operations["get_refused_prompts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/requests/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** Follow a request as server-sent events */
        get: operations["get_requests_by_id_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ext/v1/workers/{worker_id}/failures": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        /** See how the last jobs of a worker went; for its owner and moderators */
        get: operations["get_workers_by_worker_id_failures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Adjusted: {
            adjusted: number;
            kudos: number;
            username: string;
        };
        /**
         * @example {
         *       "amount": 100,
         *       "reason": "Thanks for the report.",
         *       "username": "maria#42"
         *     }
         */
        Adjustment: {
            /** @description Whole kudos to give or, below 0, to take. */
            amount: number;
            /** @description Why. The user reads it. */
            reason: string;
            /** @description Whose kudos: name#id or id. */
            username: string;
        };
        AlchemyRequestStatus: {
            forms: components["schemas"]["InterrogationFormStatus"][];
            request: string;
            state: string;
            type: string;
        };
        /**
         * @example {
         *       "markdown": "# Terms of use\n\nBe kind."
         *     }
         */
        DocumentInput: {
            /** @description The document in HTML; scripts, styles and frames are taken out. */
            html?: string;
            /** @description The document in Markdown. */
            markdown?: string;
        };
        DocumentSource: {
            bytes: number;
            changed?: components["schemas"]["Time"];
            format: string;
            from: string;
            name: string;
            path?: string;
        };
        ExtraSourceImage: {
            /** @description Picture: base64 or URL. */
            image?: string;
            /**
             * @description Its weight.
             * @default 1
             */
            strength: number;
        };
        ExtraText: {
            /** @description What the text is for. */
            reference?: string;
            /** @description The text. */
            text?: string;
        };
        Generation: {
            /** @description Model that was used. */
            model: string;
            /**
             * @description Whether it was censored.
             * @default ok
             * @example ok
             * @enum {string}
             */
            state: "ok" | "censored" | "csam";
            /** @description Id of the worker that generated it. */
            worker_id: string;
            /** @description Name of that worker. */
            worker_name: string;
        };
        /**
         * @example {
         *       "models": [],
         *       "params": {
         *         "cfg_scale": 7,
         *         "height": 512,
         *         "n": 1,
         *         "sampler_name": "k_euler_a",
         *         "steps": 20,
         *         "width": 512
         *       },
         *       "prompt": "a lighthouse in a storm, oil on canvas ### people, text",
         *       "r2": true
         *     }
         */
        GenerationInputStable: {
            /**
             * @description Too dear a request is made smaller instead of refused.
             * @default false
             */
            allow_downgrade: boolean;
            /**
             * @description An adult picture that came by accident is censored.
             * @default false
             */
            censor_nsfw: boolean;
            /**
             * @description Every picture is painted alone, so that its seed is exact. For trusted users.
             * @default false
             */
            disable_batching: boolean;
            /**
             * @description Only answer what the request would cost.
             * @default false
             */
            dry_run: boolean;
            /**
             * @description Very slow workers may serve it too.
             * @default false
             */
            extra_slow_workers: boolean;
            extra_source_images?: components["schemas"]["ExtraSourceImage"][];
            models?: string[];
            /**
             * @description The request may give adult pictures; only workers that allow them get it.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelGenerationInputStable"];
            /** @description What to paint. Text after the first ### says what to avoid. */
            prompt: string;
            /** @description For service accounts: whom the request is for. */
            proxied_account?: string;
            /**
             * @description The result comes as a download link, else in base64.
             * @default true
             */
            r2: boolean;
            /**
             * @description Suspicious prompts are cleaned instead of refused.
             * @default true
             */
            replacement_filter: boolean;
            /**
             * @description The pictures may be shared and rated.
             * @default false
             */
            shared: boolean;
            /**
             * @description Slow workers may serve it. Without them it costs more.
             * @default true
             */
            slow_workers: boolean;
            /** @description Picture to start from: base64 or URL. */
            source_image?: string;
            /** @description Mask for in- and outpainting: base64 or URL. Without it the alpha channel counts. */
            source_mask?: string;
            /**
             * @description What to do with the source image.
             * @default img2img
             * @enum {string}
             */
            source_processing: "img2img" | "inpainting" | "outpainting" | "remix";
            /** @description Id or name of a style. */
            style?: string;
            /**
             * @description Only workers of trusted owners may serve it.
             * @default false
             */
            trusted_workers: boolean;
            /**
             * @description Only validated backends may serve it.
             * @default true
             */
            validated_backends: boolean;
            /** @description https URL that is called with every finished picture. */
            webhook?: string;
            /**
             * @description The workers named may not serve it, all others may.
             * @default false
             */
            worker_blacklist: boolean;
            workers?: string[];
        };
        GenerationKobold: components["schemas"]["Generation"] & {
            gen_metadata: components["schemas"]["GenerationMetadataKobold"][];
            /**
             * @description Seed of the generation.
             * @default 0
             */
            seed: number;
            /** @description What was generated. */
            text: string;
        };
        GenerationMetadataKobold: {
            /** @description What it refers to. */
            ref?: string;
            /**
             * @description What the remark is about.
             * @enum {string}
             */
            type: "censorship";
            /**
             * @description The remark.
             * @enum {string}
             */
            value: "csam";
        };
        GenerationMetadataStable: {
            ref?: string;
            type: string;
            value: string;
        };
        GenerationStable: components["schemas"]["Generation"] & {
            /** @description The worker censored it. */
            censored: boolean;
            gen_metadata: components["schemas"]["GenerationMetadataStable"][];
            /** @description Id of the image. */
            id: string;
            /** @description The image as WebP: a link, or base64 when the request says r2 false. */
            img: string;
            /** @description Seed of the image. */
            seed: string;
        };
        ImageRequestEnd: {
            cancelled: boolean;
            done: boolean;
            faulted: boolean;
            finished: number;
            generations: components["schemas"]["GenerationStable"][];
            is_possible: boolean;
            kudos: number;
            processing: number;
            queue_position: number;
            request: string;
            restarted: number;
            shared: boolean;
            type: string;
            wait_time: number;
            waiting: number;
        };
        ImportedReference: {
            changed: boolean;
            kind: string;
            left_out: number;
            models: number;
        };
        InterrogationFormResult: {
            "*"?: {
                [key: string]: Record<string, never>;
            };
        };
        InterrogationFormStatus: {
            /** @description Name of the form. */
            form: string;
            result?: components["schemas"]["InterrogationFormResult"];
            /** @description waiting, processing, done, cancelled or faulted. */
            state: string;
        };
        JobProgress: {
            elapsed?: number;
            job: string;
            preview?: string;
            step: number;
            step_seconds?: number;
            steps: number;
            worker_name: string;
        };
        KudosHistory: {
            evaluating_kudos: number;
            held: number;
            kudos: number;
            movements: components["schemas"]["KudosMovement"][];
            next?: string;
            username: string;
        };
        KudosMovement: {
            amount: number;
            at: string;
            balance: number;
            evaluating: number;
            evaluating_kudos: number;
            job?: string;
            kind: string;
            model?: string;
            movements?: components["schemas"]["KudosMovement"][];
            parts?: components["schemas"]["KudosPart"][];
            reason?: string;
            request?: string;
            sharedkey?: string;
            sharedkey_name?: string;
            text: string;
            username?: string;
            worker_id?: string;
            worker_name?: string;
        };
        KudosPart: {
            amount: number;
            what: string;
        };
        ModelGenerationInputStable: components["schemas"]["ModelPayloadRootStable"] & {
            /**
             * @description Number of pictures.
             * @default 1
             */
            n: number;
            /**
             * @description Sampling steps.
             * @default 30
             */
            steps: number;
        };
        ModelPayloadLorasStable: {
            /**
             * @description Strength on the text encoder.
             * @default 1
             */
            clip: number;
            /** @description Add the trigger word most like this; any: the first. */
            inject_trigger?: string;
            /**
             * @description The name is a version id.
             * @default false
             */
            is_version: boolean;
            /**
             * @description Strength on the model.
             * @default 1
             */
            model: number;
            /** @description CivitAI name or id; with is_version the version id. */
            name: string;
        };
        ModelPayloadRootStable: components["schemas"]["ModelPayloadStyleStable"] & {
            /**
             * @description ControlNet to use with the source image.
             * @enum {string}
             */
            control_type?: "canny" | "hed" | "depth" | "normal" | "openpose" | "seg" | "scribble" | "fakescribbles" | "hough";
            extra_texts?: components["schemas"]["ExtraText"][];
            /**
             * @description The source image is a control map already.
             * @default false
             */
            image_is_control: boolean;
            /**
             * @description The result is the control map.
             * @default false
             */
            return_control_map: boolean;
            /** @description Seed: a number or any text. Empty means random. */
            seed?: string;
            /** @description Step from the seed of one picture to the next. */
            seed_variation?: number;
        };
        ModelPayloadStyleStable: {
            /**
             * @description How closely to follow the prompt; two decimals.
             * @default 7.5
             */
            cfg_scale: number;
            /** @description Layers of the text encoder to leave out. */
            clip_skip?: number;
            /** @description How far to go from the source image. */
            denoising_strength?: number;
            /** @description Strength of face post-processors. */
            facefixer_strength?: number;
            /**
             * @description Height in pixels.
             * @default 512
             */
            height: number;
            /**
             * @description Paint small, enlarge, paint again.
             * @default false
             */
            hires_fix: boolean;
            /** @description The same for the second pass of hires_fix. */
            hires_fix_denoising_strength?: number;
            /**
             * @description Karras noise schedule.
             * @default false
             */
            karras: boolean;
            loras?: components["schemas"]["ModelPayloadLorasStable"][];
            post_processing?: ("GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer")[];
            /**
             * @description Sampler.
             * @default k_euler_a
             * @enum {string}
             */
            sampler_name: "k_lms" | "k_heun" | "k_euler" | "k_euler_a" | "k_dpm_2" | "k_dpm_2_a" | "k_dpm_fast" | "k_dpm_adaptive" | "k_dpmpp_2s_a" | "k_dpmpp_2m" | "dpmsolver" | "k_dpmpp_sde" | "DDIM" | "lcm";
            special?: components["schemas"]["ModelSpecialPayloadStable"];
            /**
             * @description The picture can be laid side by side without seams.
             * @default false
             */
            tiling: boolean;
            tis?: components["schemas"]["ModelPayloadTextualInversionsStable"][];
            /**
             * @description A picture without background.
             * @default false
             */
            transparent: boolean;
            /**
             * @description Width in pixels.
             * @default 512
             */
            width: number;
            /**
             * @description Workflow to use instead of the usual one.
             * @enum {string}
             */
            workflow?: "qr_code";
        };
        ModelPayloadTextualInversionsStable: {
            /**
             * @description Where the server adds it by itself.
             * @enum {string}
             */
            inject_ti?: "prompt" | "negprompt";
            /** @description CivitAI name or id. */
            name: string;
            /**
             * @description Weight, where it is added.
             * @default 1
             */
            strength: number;
        };
        ModelReference: {
            changed?: components["schemas"]["Time"];
            fetched?: components["schemas"]["Time"];
            kind: string;
            models: number;
            source: string;
        };
        ModelSpecialPayloadStable: {
            "*"?: {
                [key: string]: Record<string, never>;
            };
        };
        Price: {
            basis: string;
            charged: number;
            each: number;
            exact: boolean;
            floor: number;
            height?: number;
            held: number;
            kudos: number;
            lines: components["schemas"]["PriceLine"][];
            n: number;
            net?: string;
            notes: string[];
            steps?: number;
            tax: number;
            type: string;
            upfront: boolean;
            upfront_rules?: components["schemas"]["UpfrontRule"][];
            width?: number;
        };
        PriceLine: {
            add?: number;
            code: string;
            factor?: number;
            kudos: number;
            text: string;
        };
        PriceNet: {
            accuracy?: number;
            basis_seconds?: number;
            control_types?: string[];
            description?: string;
            jobs?: number;
            name: string;
            post_processors?: string[];
            samplers?: string[];
            worst_percentile?: number;
        };
        /**
         * @example {
         *       "step": 5,
         *       "steps": 20
         *     }
         */
        Progress: {
            /** @description Small picture in base64, at most 64 KiB. */
            preview?: string;
            /** @description Step that was finished last. */
            step: number;
            /** @description Steps of the whole job. */
            steps: number;
        };
        RefusedPrompt: {
            created: string;
            id: string;
            prompt: string;
            user: string;
        };
        RequestError: {
            /** @description What is wrong, and what to do about it. */
            message?: string;
            /**
             * @description Code of the refusal, for programs.
             * @example KudosUpfront
             * @enum {string}
             */
            rc: "MissingPrompt" | "CorruptPrompt" | "KudosValidationError" | "NoValidActions" | "InvalidSize" | "InvalidPromptSize" | "TooManySteps" | "Profanity" | "ProfaneWorkerName" | "ProfaneBridgeAgent" | "ProfaneWorkerInfo" | "ProfaneUserName" | "ProfaneUserContact" | "ProfaneAdminComment" | "ProfaneTeamName" | "ProfaneTeamInfo" | "TooLong" | "TooLongWorkerName" | "TooLongUserName" | "NameAlreadyExists" | "WorkerNameAlreadyExists" | "TeamNameAlreadyExists" | "PolymorphicNameConflict" | "ImageValidationFailed" | "SourceImageResolutionExceeded" | "SourceImageSizeExceeded" | "SourceImageUrlInvalid" | "SourceImageUnreadable" | "InpaintingMissingMask" | "SourceMaskUnnecessary" | "UnsupportedSampler" | "UnsupportedModel" | "ControlNetUnsupported" | "ControlNetSourceMissing" | "ControlNetInvalidPayload" | "SourceImageRequiredForModel" | "UnexpectedModelName" | "TooManyUpscalers" | "ProcGenNotFound" | "InvalidAestheticAttempt" | "AestheticsNotCompleted" | "AestheticsNotPublic" | "AestheticsDuplicate" | "AestheticsMissing" | "AestheticsSolo" | "AestheticsConfused" | "AestheticsAlreadyExist" | "AestheticsServerRejected" | "AestheticsServerError" | "AestheticsServerDown" | "AestheticsServerTimeout" | "InvalidAPIKey" | "WrongCredentials" | "NotAdmin" | "NotModerator" | "NotOwner" | "NotPrivileged" | "AnonForbidden" | "AnonForbiddenWorker" | "AnonForbiddenUserMod" | "NotTrusted" | "UntrustedTeamCreation" | "UntrustedUnsafeIP" | "WorkerMaintenance" | "WorkerFlaggedMaintenance" | "TooManySameIPs" | "WorkerInviteOnly" | "UnsafeIP" | "TimeoutIP" | "TooManyNewIPs" | "KudosUpfront" | "SharedKeyInvalid" | "SharedKeyEmpty" | "SharedKeyExpired" | "SharedKeyInsufficientKudos" | "SharedKeyAssignedStyles" | "InvalidJobID" | "RequestNotFound" | "WorkerNotFound" | "TeamNotFound" | "FilterNotFound" | "UserNotFound" | "DuplicateGen" | "AbortedGen" | "RequestExpired" | "TooManyPrompts" | "NoValidWorkers" | "MaintenanceMode" | "TargetAccountFlagged" | "SourceAccountFlagged" | "FaultWhenKudosReceiving" | "FaultWhenKudosSending" | "TooFastKudosTransfers" | "KudosTransferToAnon" | "KudosTransferToSelf" | "KudosTransferNotEnough" | "NegativeKudosTransfer" | "KudosTransferFromAnon" | "InvalidAwardUsername" | "KudosAwardToAnon" | "NotAllowedAwards" | "NoWorkerModSelected" | "NoUserModSelected" | "NoHordeModSelected" | "NoTeamModSelected" | "NoFilterModSelected" | "NoSharedKeyModSelected" | "BadRequest" | "Forbidden" | "Locked" | "ControlNetMismatch" | "HiResFixMismatch" | "TooManyLoras" | "BadLoraVersion" | "TooManyTIs" | "BetaAnonForbidden" | "BetaComparisonFault" | "BadCFGDecimals" | "BadCFGNumber" | "BadClientAgent" | "SpecialMissingPayload" | "SpecialForbidden" | "SpecialMissingUsername" | "SpecialModelNeedsSpecialUser" | "SpecialFieldNeedsSpecialUser" | "Img2ImgMismatch" | "TilingMismatch" | "EducationCannotSendKudos" | "InvalidPriorityUsername" | "OnlyServiceAccountProxy" | "RequiresTrust" | "InvalidRemixModel" | "InvalidExtraSourceImages" | "TooManyExtraSourceImages" | "MissingFullSamplerOrder" | "TooManyStopSequences" | "ExcessiveStopSequence" | "TokenOverflow" | "MoreThanMinExtraSourceImage" | "InvalidExtraTexts" | "MissingExtraTexts" | "InvalidTransparencyModel" | "InvalidTransparencyImg2Img" | "InvalidTransparencyCN" | "HiResMismatch" | "StylesAnonForbidden" | "StylePromptMissingVars" | "StylesRequiresCustomizer" | "StyleMismatch" | "StyleGetMistmatch" | "TooManyStyleExamples" | "ExampleURLAlreadyInUse" | "MessagesOnlyOwnWorkers" | "NotUserOrMod" | "CannotDeleteMod" | "UserNotDeleted" | "DeletedUser" | "CannotWipeActiveUser" | "NonServiceForbidden" | "NulByteInPayload";
        };
        RequestGone: {
            message: string;
            rc: string;
            request: string;
        };
        RequestProgress: {
            /** @description Seconds from handing out the job to this step. */
            elapsed?: number;
            job: string;
            /** @description Small image in base64, as it looks at this step. */
            preview?: string;
            request: string;
            step: number;
            /** @description Seconds that one step of this job takes. */
            step_seconds?: number;
            steps: number;
            type: string;
            worker_name: string;
        };
        RequestStatus: {
            /** @description Nothing more is handed out; what jobs lists is still delivered and charged. */
            cancelled: boolean;
            /** @description Ids of the jobs whose results are there. */
            delivered: string[];
            done: boolean;
            faulted: boolean;
            finished: number;
            is_possible: boolean;
            /** @description The jobs that workers have in hand. Another attempt has another id. */
            jobs: components["schemas"]["RunningJob"][];
            kudos: number;
            processing: number;
            queue_position: number;
            request: string;
            restarted: number;
            type: string;
            wait_time: number;
            waiting: number;
        };
        RequestStatusCheck: {
            /** @description Everything is finished: results can be fetched. */
            done: boolean;
            /**
             * @description The request failed and will not be finished.
             * @default false
             */
            faulted: boolean;
            /** @description Jobs that are finished. */
            finished: number;
            /**
             * @description A worker that is online now could serve it.
             * @default true
             */
            is_possible: boolean;
            /** @description Kudos charged so far. */
            kudos: number;
            /** @description Jobs that workers have in hand. */
            processing: number;
            /** @description Place in the queue; 0 when no job waits. */
            queue_position: number;
            /** @description Jobs that went back to the queue after a failure. */
            restarted: number;
            /** @description Seconds until it is likely to be finished. */
            wait_time: number;
            /** @description Jobs that wait for a worker. */
            waiting: number;
        };
        RequestStatusKobold: components["schemas"]["RequestStatusCheck"] & {
            /** @description The text generations that are there. */
            generations: components["schemas"]["GenerationKobold"][];
        };
        RequestStatusStable: components["schemas"]["RequestStatusCheck"] & {
            /** @description The images that are there. */
            generations: components["schemas"]["GenerationStable"][];
            /** @description The images are shared. */
            shared: boolean;
        };
        RequestValidationError: components["schemas"]["RequestError"] & {
            /** @description What is wrong with each member, by its path. */
            errors?: {
                [key: string]: string;
            };
        };
        RunningJob: {
            job: string;
            worker_name: string;
        };
        SimpleResponse: {
            /**
             * @description OK: it is done.
             * @default OK
             */
            message: string;
        };
        TextRequestEnd: {
            cancelled: boolean;
            done: boolean;
            faulted: boolean;
            finished: number;
            generations: components["schemas"]["GenerationKobold"][];
            is_possible: boolean;
            kudos: number;
            processing: number;
            queue_position: number;
            request: string;
            restarted: number;
            type: string;
            wait_time: number;
            waiting: number;
        };
        Time: Record<string, never>;
        UpfrontRule: {
            asked: number;
            fields: string[];
            limit: number;
            rule: string;
            text: string;
        };
        WorkerFailures: {
            failures_in_a_row: number;
            message?: string;
            paused_until?: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_documents: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentSource"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_documents_by_name: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DocumentInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_documents_by_name: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: {
                /** @description Ids of at most 100 requests for images, texts or alchemy, separated by commas. */
                ids?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["RequestStatus"] | components["schemas"]["RequestProgress"] | components["schemas"]["ImageRequestEnd"] | components["schemas"]["TextRequestEnd"] | components["schemas"]["AlchemyRequestStatus"] | components["schemas"]["RequestGone"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_jobs_by_id_progress: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Progress"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_kudos_adjust: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Adjustment"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Adjusted"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_kudos_history: {
        parameters: {
            query?: {
                /** @description Movements on a page, at most 200. */
                limit?: number;
                /** @description The next of the page before. */
                before?: string;
                /** @description Somebody else, by name#id or id; for moderators. */
                username?: string;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KudosHistory"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_kudos_net: {
        parameters: {
            query?: never;
            header?: {
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceNet"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_kudos_price: {
        parameters: {
            query?: {
                /** @description What the body asks for; default: told by its fields. */
                type?: "image" | "text";
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerationInputStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Price"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_references: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelReference"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_references_by_kind: {
        parameters: {
            query?: {
                /** @description Where the document came from, in words. */
                source?: string;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
            };
            path: {
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportedReference"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_references_by_kind: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
            };
            path: {
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_refused_prompts: {
        parameters: {
            query?: {
                /** @description Page of 50, from 1. */
                page?: number;
                /** @description Whose prompts: name#id or id; default: everybody's. */
                user?: string;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefusedPrompt"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_requests_by_id_events: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["RequestStatusCheck"] | components["schemas"]["JobProgress"] | components["schemas"]["RequestStatusStable"] | components["schemas"]["RequestStatusKobold"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_workers_by_worker_id_failures: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerFailures"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
}
